import {
  builtInPipelines,
  dispatchNewsletterSteps,
  indispensableSteps,
  sendBatchSteps,
  sendEmailSteps,
} from '../domain/pipeline.ts';
import { didYouMean } from '../message/nearest.ts';
import type { ExmConfig } from './exm-config.ts';

/** One thing that is wrong in the configuration file. */
export interface Violation {
  /** Path of the key in the file, e.g. `pipelines.sendEmail[2]`. */
  readonly key: string;
  readonly value: unknown;
  /** What is wrong with it: what is expected instead, or that there is no such key. */
  readonly problem: string;
}

type PipelineName = keyof typeof builtInPipelines;

/** Where each pipeline takes steps of the operator's own from. */
const ownSteps = { dispatchNewsletter: 'steps', sendEmail: 'processors' } as const satisfies Record<
  PipelineName,
  keyof ExmConfig
>;

const builtInNames: ReadonlySet<string> = new Set([
  ...dispatchNewsletterSteps,
  ...sendBatchSteps,
  ...sendEmailSteps,
]);

/** Everything that is wrong with the pipelines and with the names of custom steps; empty where all is well. */
export function pipelineViolations(config: ExmConfig): Violation[] {
  return [
    ...nameViolations('steps', config),
    ...nameViolations('processors', config),
    ...listViolations('dispatchNewsletter', config),
    ...listViolations('sendEmail', config),
  ];
}

function nameViolations(section: 'steps' | 'processors', config: ExmConfig): Violation[] {
  return Object.keys(config[section] ?? {}).flatMap((name): Violation[] => {
    const key = `${section}.${name}`;
    if (builtInNames.has(name)) {
      return [
        {
          key,
          value: name,
          problem: 'expected another name: this one is a built-in step, which stays as it is',
        },
      ];
    }
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
      return [
        {
          key,
          value: name,
          problem: 'expected a letter, then letters, digits, "_" or "-", 64 characters at most',
        },
      ];
    }
    if (section === 'processors' && config.steps !== undefined && Object.hasOwn(config.steps, name)) {
      return [{ key, value: name, problem: 'expected another name: steps has this one already' }];
    }
    return [];
  });
}

function listViolations(pipeline: PipelineName, config: ExmConfig): Violation[] {
  const list = config.pipelines?.[pipeline];
  if (list === undefined) return [];
  const key = `pipelines.${pipeline}`;
  const own = Object.keys(config[ownSteps[pipeline]] ?? {});
  const builtIn = builtInPipelines[pipeline];

  const unknown = list.flatMap((name, index): Violation[] =>
    builtIn.includes(name) || own.includes(name)
      ? []
      : [
          {
            key: `${key}[${index}]`,
            value: name,
            problem: `expected one of ${[...builtIn, ...own].join(', ')}, or a step defined under ${ownSteps[pipeline]}.${didYouMean(name, [...builtIn, ...own])}`,
          },
        ],
  );
  const repeated = list.flatMap((name, index): Violation[] =>
    list.indexOf(name) < index
      ? [
          {
            key: `${key}[${index}]`,
            value: name,
            problem: 'expected each step once; it stands earlier in the list',
          },
        ]
      : [],
  );
  const indispensable: readonly string[] = indispensableSteps[pipeline];
  const missing = indispensable
    .filter((name) => !list.includes(name))
    .map(
      (name): Violation => ({ key, value: list, problem: `expected the indispensable step ${name} in it` }),
    );

  return [
    ...unknown,
    ...repeated,
    ...missing,
    ...orderViolations(key, list, indispensable),
    ...(pipeline === 'sendEmail' ? unrecordedViolations(key, list) : []),
  ];
}

/**
 * Only EmailSent records what became of a message, so nothing that takes time or may throw stands between SendEmail and
 * it: whoever was sent to and not recorded would be sent to again.
 */
function unrecordedViolations(key: string, list: readonly string[]): Violation[] {
  const [sendEmail, emailSent] = [list.indexOf('SendEmail'), list.indexOf('EmailSent')];
  if (sendEmail === -1 || emailSent === -1) return [];
  return list.slice(sendEmail + 1, Math.max(sendEmail + 1, emailSent)).map((name, index) => ({
    key: `${key}[${sendEmail + 1 + index}]`,
    value: name,
    problem:
      'expected EmailSent right after SendEmail, because a message that was sent must be recorded first',
  }));
}

/** The first pair of neighbours among the indispensable steps that stand the wrong way round. */
function orderViolations(key: string, list: readonly string[], order: readonly string[]): Violation[] {
  const present = order.filter((name) => list.includes(name));
  for (const [index, name] of present.entries()) {
    const next = present[index + 1];
    if (next !== undefined && list.indexOf(name) > list.indexOf(next)) {
      return [{ key, value: list, problem: `expected ${name} before ${next}` }];
    }
  }
  return [];
}
