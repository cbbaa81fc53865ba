import type { Logger } from './logging.ts';

/** Trouble that lasts is told again after so long, then after twice as long, and so on. Milliseconds. */
const againMs = { first: 60_000, longest: 3_600_000 };

/**
 * Tells a log of trouble that is met every few seconds while it lasts, a disk that is full or a database that is away: when it
 * begins, from time to time, and when it is over.
 */
export class LastingTrouble {
  #since: number | undefined;
  #nextAt = 0;
  #pauseMs = againMs.first;

  /** @param lasts what is the matter @param over what is well again */
  constructor(
    private readonly log: Pick<Logger, 'warn' | 'info'>,
    private readonly lasts: string,
    private readonly over: string,
  ) {}

  met(facts: Readonly<Record<string, unknown>>, now = performance.now()): void {
    if (this.#since === undefined) {
      this.#since = now;
      this.#pauseMs = againMs.first;
    } else if (now < this.#nextAt) return;
    else this.#pauseMs = Math.min(this.#pauseMs * 2, againMs.longest);
    this.#nextAt = now + this.#pauseMs;
    this.log.warn(facts, this.lasts);
  }

  /** Nothing where there was none. */
  ended(now = performance.now()): void {
    if (this.#since === undefined) return;
    this.log.info({ seconds: Math.round((now - this.#since) / 1_000) }, this.over);
    this.#since = undefined;
  }
}
