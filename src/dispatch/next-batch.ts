/** So long before the end of a batch its dispatcher asks for the next one, which takes some 50 ms to come. Milliseconds. */
const aheadMs = 200;
/** A batch that has had the dispatcher to itself for so long lets another in, which may be of another campaign, or have what this one waits for. Milliseconds. */
const aloneMs = 3_000;
/** How often is looked how far a batch has come, milliseconds. */
const lookIntervalMs = 50;

/** How far a batch has come. */
export interface BatchProgress {
  /** Recipients that have their outcome, or were put off. */
  readonly done: number;
  /** Recipients that nobody was given yet. */
  readonly left: number;
  /** Monotonic time at which its first recipient was given to a thread, milliseconds; undefined before. */
  readonly begunAt: number | undefined;
}

/** A test that this process has taken. */
export interface TakenTest {
  ended(): void;
}

export interface TakenBatch extends TakenTest {
  /** From now on it is looked how far it has come. */
  follow(progress: BatchProgress): void;
}

/**
 * When a dispatcher takes its next batch: shortly before the end of the one that it works on, so that no thread waits, and
 * no batch lies with a busy dispatcher while another one is free. A batch that takes long leaves the others their turn.
 */
export class NextBatch {
  private inHand = 0;
  /** Of these: batches that need the dispatcher for themselves for a while. */
  private busy = 0;
  private readonly listeners: (() => void)[] = [];
  /** Recipients a millisecond of the batch that was looked at last. */
  private lastPace = 0;

  /** @param threads messages that this process sends at the same time */
  constructor(private readonly threads: number) {}

  /** Batches and tests that the process may have at once, `most` at the most, with what it asks for counted in. */
  slots(most: number): number {
    return Math.min(most, 1 + this.inHand - this.busy);
  }

  /** A test takes few threads: others come meanwhile. */
  tookTest(): TakenTest {
    this.inHand++;
    this.changed();
    return {
      ended: () => {
        this.inHand--;
      },
    };
  }

  tookBatch(): TakenBatch {
    let isBusy = true;
    let looking: NodeJS.Timeout | undefined;
    this.inHand++;
    this.busy++;
    const letOthersIn = () => {
      clearInterval(looking);
      clearTimeout(alone);
      if (!isBusy) return;
      isBusy = false;
      this.busy--;
      this.changed();
    };
    const alone = setTimeout(letOthersIn, aloneMs);
    return {
      follow: (progress) => {
        const look = () => {
          if (this.isNearEnd(progress)) letOthersIn();
        };
        looking = setInterval(look, lookIntervalMs);
        look();
      },
      ended: () => {
        letOthersIn();
        this.inHand--;
      },
    };
  }

  /** Calls back when there may be more slots. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  private isNearEnd({ done, left, begunAt }: BatchProgress): boolean {
    if (left <= this.threads) return true;
    const tookMs = begunAt === undefined ? 0 : performance.now() - begunAt;
    // What the first outcomes say is left to chance.
    if (tookMs >= lookIntervalMs && done > this.threads) this.lastPace = done / tookMs;
    return left <= this.lastPace * aheadMs;
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
