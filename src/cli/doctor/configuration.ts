import { setTimeout as pause } from 'node:timers/promises';
import { describeViolation } from '../../config/check-exm-config.ts';
import type { Environment } from '../../config/environment.ts';
import type { ResolvedConfig } from '../../config/exm-config.ts';
import { correctionHint, type InspectedConfig, inspectExmConfig } from '../../config/load-exm-config.ts';
import { type Check, ok, warning, wrong, wrongBecause } from './check.ts';

const name = 'Configuration';
/** A file that is not loaded after this time, milliseconds, waits for something that a worker would wait for too. */
const loadTimeoutMs = 5_000;

/** The configuration file, loaded as a worker that is started in this folder loads it; a line for each thing wrong in it. */
export async function checkConfiguration(env: Environment, cwd: string): Promise<Check[]> {
  let inspected: InspectedConfig | undefined;
  const waiting = new AbortController();
  try {
    inspected = await Promise.race([
      inspectExmConfig(env['EXM_CONFIG'] || undefined, cwd),
      pause(loadTimeoutMs, undefined, { signal: waiting.signal }),
    ]);
  } catch (error) {
    return [wrongBecause(name, error, correctionHint)];
  } finally {
    waiting.abort();
  }
  if (inspected === undefined) {
    const found = `loading it does not come to an end within ${loadTimeoutMs / 1_000} s`;
    return [wrong(name, found, 'Let the file wait for nothing: what takes time belongs into its steps.')];
  }
  const { path, config, violations } = inspected;
  if (path === undefined)
    return [ok(name, `no exm.config.ts in ${cwd}: EXM's own pipelines, and the defaults of all settings`)];
  if (config === undefined)
    return violations.map((violation) =>
      wrong(name, `${path}: ${describeViolation(violation)}`, correctionHint),
    );
  return [ok(name, path), ...unusedSteps(config)];
}

/** Steps of one's own that were written and then not put anywhere. */
function unusedSteps({ pipelines, steps, processors }: ResolvedConfig): Check[] {
  const unused = (own: object, pipeline: 'dispatchNewsletter' | 'sendEmail') =>
    Object.keys(own)
      .filter((step) => !pipelines[pipeline].includes(step))
      .map((step) => {
        const todo = `Put it into pipelines.${pipeline}, or leave it out.`;
        return warning(name, `${step} stands in no pipeline, so it never runs`, todo);
      });
  return [...unused(steps, 'dispatchNewsletter'), ...unused(processors, 'sendEmail')];
}
