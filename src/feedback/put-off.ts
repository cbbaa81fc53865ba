/** After so long a message is looked at again, after twice as long the next time, and so on. Milliseconds. */
const firstPauseMs = 60_000;
const longestPauseMs = 3_600_000;

/**
 * Messages that could not be dealt with at the moment, such as those of a contact whose row somebody has locked: this process
 * passes them over for a while, so that they hold up nobody. In the database they are new still.
 */
export class PutOff {
  readonly #all = new Map<string, { readonly until: number; readonly pauseMs: number }>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  add(id: string): void {
    const before = this.#all.get(id)?.pauseMs;
    const pauseMs = before === undefined ? firstPauseMs : Math.min(2 * before, longestPauseMs);
    this.#all.set(id, { until: this.now() + pauseMs, pauseMs });
  }

  /** Those that it is too early for. What was not put off again for as long a while is settled, by whomever. */
  ids(): string[] {
    const now = this.now();
    for (const [id, { until, pauseMs }] of this.#all) if (until + pauseMs <= now) this.#all.delete(id);
    return [...this.#all].filter(([, { until }]) => until > now).map(([id]) => id);
  }
}
