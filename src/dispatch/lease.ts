import type { DispatchWord } from '../domain/campaign-state.ts';
import { noCounts, type Outcome, type OutcomeCounts } from '../domain/outcome.ts';

/** An outcome on its way into the ledger. */
export interface RecordedOutcome {
  readonly position: number;
  readonly contactId: number;
  readonly outcome: Outcome;
  readonly at: Date;
}

/** A recipient whose mail server said "later". */
export interface RecordedDeferral {
  readonly position: number;
  readonly attempts: number;
  readonly firstAt: Date;
  readonly dueAt: Date;
  readonly reply: string;
}

/** What a batch is told: the campaign's word, or `drain` (this process stops), or `lost` (others hold it now). */
export type LeaseWord = DispatchWord | 'drain' | 'lost';

/** What a flush says of one batch. */
export interface LeaseAnswer {
  readonly mine: boolean;
  readonly word: DispatchWord;
  readonly counts: OutcomeCounts;
}

/** This process's hold on one batch. */
export class Lease {
  readonly campaignId: string;
  readonly batch: number;
  /** Goes up with each attempt; only the highest may write. */
  readonly number: number;
  word: LeaseWord;
  /** Monotonic time, milliseconds, at which the last successful flush began. */
  confirmedAt: number;
  counts: OutcomeCounts = noCounts;
  closing = false;
  private sleepers: (() => void)[] = [];

  constructor(taken: { campaignId: string; batch: number; number: number; word: DispatchWord; now: number }) {
    this.campaignId = taken.campaignId;
    this.batch = taken.batch;
    this.number = taken.number;
    this.word = taken.word;
    this.confirmedAt = taken.now;
  }

  answered(answer: LeaseAnswer | undefined, at: number): void {
    this.confirmedAt = at;
    // Also where it is no longer mine: the flush that ended it may have been repeated, because its answer was lost.
    if (answer !== undefined) this.counts = answer.counts;
    if (answer === undefined || !answer.mine) {
      this.tell('lost');
      return;
    }
    if (this.word !== 'drain' && this.word !== 'lost') this.tell(answer.word);
  }

  tell(word: LeaseWord): void {
    if (word === this.word) return;
    this.word = word;
    this.wake();
  }

  /** Interrupts the pauses of this batch's slot: it is told something, or the Sleep has changed. */
  wake(): void {
    for (const sleeper of this.sleepers.splice(0)) sleeper();
  }

  /** Waits so long, or until `wake`; not at all where the batch was told to stop already. */
  async pause(ms: number): Promise<void> {
    if (ms <= 0 || this.word !== 'go') return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.sleepers.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.sleepers = [];
  }
}
