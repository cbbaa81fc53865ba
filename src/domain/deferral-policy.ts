/** When a recipient whose mail server said "later" (4xx) is tried again. */

const longestDelayMs = 4 * 3_600_000;

export interface DeferralPolicy {
  /** Delay after the first "later", milliseconds. */
  readonly firstDelayMs: number;
  /** How long after the first attempt the last one may be, milliseconds. */
  readonly maximumAgeMs: number;
}

/**
 * The delay doubles from the first one up to four hours, until the maximum age is reached.
 *
 * @param attempts how often the server said "later", this time included
 * @param ageMs time since the first attempt
 * @returns milliseconds until the next attempt; undefined where it has been tried long enough and counts as failed
 */
export function nextAttemptInMs(attempts: number, ageMs: number, policy: DeferralPolicy): number | undefined {
  const delayMs = Math.min(longestDelayMs, policy.firstDelayMs * 2 ** Math.min(attempts - 1, 20));
  return ageMs + delayMs > policy.maximumAgeMs ? undefined : delayMs;
}
