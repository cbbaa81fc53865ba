import type { ResolvedConfig } from '../config/exm-config.ts';
import { FailedError } from '../domain/errors.ts';
import { sendEmailSteps } from '../domain/pipeline.ts';

type Processors = ResolvedConfig['processors'];

/** Sees that this server has every step of a campaign's SendEmail. @throws FailedError PROCESSOR_UNKNOWN */
export function requireProcessors(processors: Processors, steps: readonly string[]): void {
  for (const name of steps) {
    if (!sendEmailSteps.some((builtIn) => builtIn === name)) requireProcessor(processors, name);
  }
}

/** The installation's own step of this name. @throws FailedError PROCESSOR_UNKNOWN */
export function requireProcessor(processors: Processors, name: string): Processors[string] {
  const own = processors[name];
  if (own !== undefined) return own;
  throw new FailedError('PROCESSOR_UNKNOWN', `This server's exm.config.ts has no processor "${name}".`, {
    field: 'processors',
    value: name,
    hint: 'Give every dispatcher the same exm.config.ts and restart it, then resume the campaign.',
  });
}
