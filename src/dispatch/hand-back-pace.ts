/** Pause after a batch was handed back, milliseconds; it doubles with each in a row up to the longest. */
const firstPauseMs = 250;
const longestPauseMs = 5_000;

/**
 * How soon a dispatcher takes further work after a batch that it had to hand back, because it cannot send that campaign.
 * It cannot choose among batches, so it goes on with one at a time, and ever more seldom: a batch of another campaign
 * finds it at work within seconds, and those of this one are left for dispatchers that can send them.
 */
export class HandBackPace {
  private running = 0;
  private pauseMs = 0;
  private pausedUntil = 0;
  private readonly listeners: (() => void)[] = [];

  /** Batches and tests that the process may have at once, `most` at the most, with what it asks for counted in. */
  slots(most: number): number {
    if (this.pauseMs === 0) return most;
    return Math.min(most, this.isPausing() ? this.running : this.running + 1);
  }

  /** A batch was taken that can be sent. @returns to be called when it has ended */
  accepted(): () => void {
    this.running++;
    this.pauseMs = 0;
    this.changed();
    return () => {
      this.running--;
    };
  }

  /** A batch was handed back unsent. */
  handedBack(): void {
    // Others were on their way when the first of them was taken: they say nothing more.
    if (this.isPausing()) return;
    this.pauseMs = Math.min(Math.max(firstPauseMs, 2 * this.pauseMs), longestPauseMs);
    this.pausedUntil = performance.now() + this.pauseMs;
    setTimeout(() => this.changed(), this.pauseMs + 1).unref();
  }

  /** Calls back when there may be more slots. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  private isPausing(): boolean {
    return performance.now() < this.pausedUntil;
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
