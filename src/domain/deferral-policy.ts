/** When a recipient whose mail server said "later" (4xx) is tried again. */

const firstDelayMs = 60_000;
const longestDelayMs = 4 * 3_600_000;

export interface DeferralDecision {
  /** Time until the next attempt; undefined where it has been tried long enough and counts as failed. */
  readonly retryInMs?: number;
}

/**
 * The delay doubles from one minute (greylisting passes within a few) up to four hours, until the first attempt is
 * `maximumAgeMs` ago.
 *
 * @param attempts how often the server said "later", this time included
 */
export function deferralDecision(attempts: number, ageMs: number, maximumAgeMs: number): DeferralDecision {
  const retryInMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempts - 1, 20));
  return ageMs + retryInMs > maximumAgeMs ? {} : { retryInMs };
}
