/**
 * What is due by when, one thing at a time, for thousands of things a second: a timer for each of them would cost more than
 * they do. So one timer runs, and looks at what is due when it has run out.
 */
export class Deadline {
  private dueAt = Number.POSITIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;

  /** @param shortestMs nothing will ever be allowed less time, milliseconds */
  constructor(
    private readonly shortestMs: number,
    private readonly late: () => void,
  ) {}

  /** From now on there are so many milliseconds left. */
  allow(ms: number): void {
    this.dueAt = performance.now() + ms;
    // One that runs already runs out before: it was never wound for longer than the shortest.
    if (this.timer === undefined) this.wind(ms);
  }

  /** Nothing is due. */
  lift(): void {
    this.dueAt = Number.POSITIVE_INFINITY;
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private wind(ms: number): void {
    this.timer = setTimeout(() => this.ring(), Math.min(ms, this.shortestMs)).unref();
  }

  private ring(): void {
    this.timer = undefined;
    const leftMs = this.dueAt - performance.now();
    if (leftMs <= 0) this.late();
    else if (leftMs < Number.POSITIVE_INFINITY) this.wind(leftMs);
  }
}
