import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { z } from 'zod';
import { InputError } from '../domain/errors.ts';
import { builtInPipelines } from '../domain/pipeline.ts';
import { pipelineViolations, type Violation } from './check-pipelines.ts';
import {
  type CustomProcessor,
  type CustomStep,
  defaultConfigSettings,
  type ExmConfig,
  type ResolvedConfig,
} from './exm-config.ts';

/** Looked for in this order where EXM_CONFIG names no file. */
const defaultNames = ['exm.config.ts', 'exm.config.js', 'exm.config.mjs'] as const;

const functions = <T>() =>
  z.record(
    z.string(),
    z.custom<T>((value) => typeof value === 'function', 'a function'),
    'an object of functions by name',
  );

const wholeNumber = (minimum: number, maximum: number) => {
  const expected = `a whole number from ${minimum} to ${maximum}`;
  return z.number(expected).int(expected).min(minimum, expected).max(maximum, expected);
};

const stepNames = z.array(z.string('the name of a step'), 'a list of step names');

const hours = 'a number of hours above 0 and at most 720';

const settingsSchema = z
  .strictObject(
    {
      dispatchBatchSize: wholeNumber(1, 5_000).optional(),
      undeliveredMaximum: wholeNumber(0, 1_000).optional(),
      checkSuppressionList: z.boolean('true or false').optional(),
      deferralMaximumHours: z.number(hours).gt(0, hours).max(720, hours).optional(),
      deferralFirstDelaySeconds: wholeNumber(1, 3_600).optional(),
      batchesPerRun: wholeNumber(1, 2_000).optional(),
    },
    unknownKeyOr('an object of settings'),
  )
  .optional();

const configSchema = z.strictObject(
  {
    steps: functions<CustomStep>().optional(),
    processors: functions<CustomProcessor>().optional(),
    pipelines: z
      .strictObject(
        { dispatchNewsletter: stepNames.optional(), sendEmail: stepNames.optional() },
        unknownKeyOr('an object with dispatchNewsletter and sendEmail'),
      )
      .optional(),
    settings: settingsSchema,
  },
  unknownKeyOr('an object, as defineConfig({ ... }) takes it'),
);

/**
 * Loads and checks the configuration file: `file` (EXM_CONFIG), or the first of exm.config.ts, .js and .mjs in `cwd`,
 * or the built-in configuration where there is none. The file may `import { defineConfig } from 'exm-dispatch'`
 * wherever it lies, without that package being installed there.
 *
 * @throws InputError that names the file and, for everything that is wrong in it, the key, the value and what is
 * expected.
 */
export async function loadExmConfig(file: string | undefined, cwd: string): Promise<ResolvedConfig> {
  const path = findFile(file, cwd);
  if (path === undefined) return resolveConfig({});
  return resolveConfig(checkConfig(await importDefault(path), path));
}

function findFile(file: string | undefined, cwd: string): string | undefined {
  if (file === undefined) {
    return defaultNames.map((name) => join(cwd, name)).find((candidate) => existsSync(candidate));
  }
  const path = resolve(cwd, file);
  if (existsSync(path)) return path;
  throw new InputError('CONFIG_MISSING', `The configuration file ${path} does not exist.`, {
    field: 'EXM_CONFIG',
    value: file,
    hint: 'Correct EXM_CONFIG, or leave it out to use exm.config.ts in the working directory, if there is one.',
  });
}

async function importDefault(path: string): Promise<unknown> {
  const exmDispatch = await import('../index.ts');
  const jiti = createJiti(path, {
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
    // The very modules of this program, so that an error thrown by a custom step is of the class we know.
    virtualModules: { 'exm-dispatch': exmDispatch, 'exm-dispatch/client': exmDispatch },
  });
  let loaded: Record<string, unknown>;
  try {
    loaded = await jiti.import<Record<string, unknown>>(path);
  } catch (cause) {
    throw new InputError(
      'CONFIG_UNREADABLE',
      `The configuration file ${path} cannot be loaded: ${firstLine(cause)}`,
      { field: path, hint: 'Correct the file; it must be a TypeScript or JavaScript module.', cause },
    );
  }
  if (loaded.default === undefined) {
    throw new InputError('CONFIG_WRONG', `The configuration file ${path} has no default export.`, {
      field: `${path}: default export`,
      hint: "Write: import { defineConfig } from 'exm-dispatch'; export default defineConfig({ ... });",
    });
  }
  return loaded.default;
}

function checkConfig(value: unknown, path: string): ExmConfig {
  const parsed = configSchema.safeParse(value);
  const violations = parsed.success
    ? pipelineViolations(parsed.data as ExmConfig)
    : parsed.error.issues.flatMap((issue) => violationsOf(issue, value));
  const [first] = violations;
  if (first === undefined) return parsed.data as ExmConfig;
  throw new InputError(
    'CONFIG_WRONG',
    `The configuration file ${path} is wrong:\n${violations.map((one) => `  ${describe(one)}`).join('\n')}`,
    { field: `${path}: ${first.key}`, value: first.value, hint: `Expected: ${first.expected}.` },
  );
}

function resolveConfig(config: ExmConfig): ResolvedConfig {
  return {
    pipelines: { ...builtInPipelines, ...withoutUndefined(config.pipelines) },
    steps: config.steps ?? {},
    processors: config.processors ?? {},
    settings: { ...defaultConfigSettings, ...withoutUndefined(config.settings) },
  };
}

function withoutUndefined<T extends object>(value: T | undefined): Partial<T> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, one]) => one !== undefined)) as Partial<T>;
}

/** Zod calls this with each issue of an object: a key it does not know, or something that is no object at all. */
function unknownKeyOr(expected: string): { error: (issue: { code?: string }) => string | undefined } {
  return { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : expected) };
}

function violationsOf(issue: z.core.$ZodIssue, root: unknown): Violation[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      key: keyOf([...issue.path, key]),
      value: valueAt(root, [...issue.path, key]),
      expected: 'no such key: it is not one of those that exist',
    }));
  }
  return [{ key: keyOf(issue.path), value: valueAt(root, issue.path), expected: issue.message }];
}

function keyOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'default export';
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i ? '.' : ''}${String(part)}`))
    .join('');
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown>)[part], root);
}

function describe({ key, value, expected }: Violation): string {
  const text = JSON.stringify(value) ?? String(value);
  return `${key} = ${text.length > 120 ? `${text.slice(0, 120)}…` : text}; expected ${expected}`;
}

function firstLine(error: unknown): string {
  return String((error as Error | undefined)?.message ?? error).split('\n')[0] ?? '';
}
