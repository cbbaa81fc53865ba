/** A batch's task that waits for a thread. */
interface Waiting {
  readonly isWanted: () => boolean;
  readonly settle: (isGranted: boolean) => void;
}

/**
 * The threads of one dispatcher process (EXM's NumberThreads): as many messages are on their way at the same time. A batch
 * takes all that are free; where the process has another batch besides, the two take turns.
 */
export class DispatchThreads {
  private taken = 0;
  private readonly waiting = new Set<Waiting>();

  /**
   * @param count how many there are
   * @param usable how many of them may be used now: an ill mail server is tried with one
   */
  constructor(
    readonly count: number,
    private readonly usable: () => number = () => count,
  ) {}

  /** Whether another batch waits for a thread. */
  get hasWaiting(): boolean {
    return this.waiting.size > 0;
  }

  /**
   * Waits for a thread, first come, first served.
   *
   * @param isWanted asked again with each `review`
   * @returns false where it is not wanted any more: nothing is to be released then
   */
  async take(isWanted: () => boolean): Promise<boolean> {
    if (!isWanted()) return false;
    if (this.waiting.size === 0 && this.tryTake()) return true;
    return await new Promise<boolean>((resolve) => {
      const waiting: Waiting = {
        isWanted,
        settle: (isGranted) => {
          this.waiting.delete(waiting);
          resolve(isGranted);
        },
      };
      this.waiting.add(waiting);
      this.review();
    });
  }

  release(): void {
    this.taken--;
    this.review();
  }

  /** Something has changed: whether those who wait are still wanted, or how many threads may be used. */
  review(): void {
    for (const waiting of [...this.waiting]) {
      if (!waiting.isWanted()) waiting.settle(false);
      else if (this.tryTake()) waiting.settle(true);
    }
  }

  private tryTake(): boolean {
    if (this.taken >= Math.max(1, this.usable())) return false;
    this.taken++;
    return true;
  }
}
