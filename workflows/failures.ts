import { ApplicationFailure, log, rootCause } from '@temporalio/workflow';

/** The type of the failure that ends a start whose conditions are not met. */
export const preconditionsFailed = 'PRECONDITIONS_FAILED';

/** What went wrong, for a person: the innermost message and its code. Activities leave no personal data in it. */
export function describeFailure(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  if (innermost instanceof ApplicationFailure && innermost.type)
    return `${innermost.message} (${innermost.type})`;
  return rootCause(error) ?? String(error);
}

export function noteFailure(what: string, error: unknown): void {
  log.warn(what, { reason: describeFailure(error) });
}

/** Runs now; a failure is noted and whatever follows goes on. */
export async function tolerating(about: string, run: () => Promise<void>): Promise<void> {
  await run().catch((error) => noteFailure(`${about} failed`, error));
}
