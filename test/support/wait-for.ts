import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Default two minutes: only ends a test that hangs. */
  readonly timeoutMs?: number;
  /** Default 50 ms. */
  readonly intervalMs?: number;
  /** What is waited for, for the message of a failure; a function is asked when it fails. */
  readonly describe?: string | (() => string);
}

/**
 * Asks again and again until the answer is neither undefined nor null nor false, and returns it. A condition that
 * throws is asked again, too; what it threw last becomes the failure's cause.
 */
export async function waitFor<T>(
  condition: () => Promise<T> | T,
  options: WaitOptions = {},
): Promise<Exclude<T, undefined | null | false>> {
  const { timeoutMs = 120_000, intervalMs = 50, describe = 'a condition' } = options;
  const until = Date.now() + timeoutMs;
  let thrown: unknown;
  for (;;) {
    try {
      const answer = await condition();
      thrown = undefined;
      if (answer !== undefined && answer !== null && answer !== false) {
        return answer as Exclude<T, undefined | null | false>;
      }
    } catch (error) {
      thrown = error;
    }
    if (Date.now() > until) {
      const what = typeof describe === 'string' ? describe : describe();
      const last = thrown instanceof Error ? ` (last: ${thrown.message})` : '';
      throw new Error(`waited ${timeoutMs} ms in vain for ${what}${last}`, { cause: thrown });
    }
    await sleep(intervalMs);
  }
}
