import type { AddressChange } from '../../db/schema.ts';
import type { PositionRange } from '../../domain/batch-plan.ts';
import type { DispatchWord } from '../../domain/campaign-state.ts';
import { noCounts, type Outcome, type OutcomeCounts } from '../../domain/outcome.ts';

/** An outcome on its way into the ledger. */
export interface RecordedOutcome {
  readonly position: number;
  readonly contactId: number;
  readonly outcome: Outcome;
  readonly at: Date;
}

/** A recipient whose mail server said "later". The times are spans: each host's clock has its own idea of the hour. */
export interface RecordedDeferral {
  readonly position: number;
  readonly attempts: number;
  /** Time since the first attempt, milliseconds. */
  readonly sinceFirstMs: number;
  /** Time until the next attempt, milliseconds. */
  readonly dueInMs: number;
  readonly reply: string;
}

/** What a batch is told: the campaign's word, or `drain` (hand it back), or `lost` (others hold it now). */
export type LeaseWord = DispatchWord | 'drain' | 'lost';

/** What a flush says of one batch. */
export interface LeaseAnswer {
  readonly mine: boolean;
  /** Another attempt at this batch, or at a part of it, waits for it to be handed back. */
  readonly wanted: boolean;
  readonly word: DispatchWord;
  readonly counts: OutcomeCounts;
}

/** This process's hold on one batch. */
export class Lease {
  readonly campaignId: string;
  readonly batch: number;
  /** Goes up with each attempt; only the highest may write. */
  readonly lease: number;
  word: LeaseWord;
  /** Monotonic time, milliseconds, at which the last successful flush began. */
  confirmedAt: number;
  counts: OutcomeCounts = noCounts;
  closing = false;
  /** Outcomes and deferrals that the database does not have yet. */
  unrecorded = 0;
  /** A group that is to be announced before the first of its messages goes out. */
  toAnnounce: PositionRange | undefined;
  /** Changes of address found while sending, to be posted when the batch ends. */
  addressChanges: AddressChange[] = [];
  private readonly listeners = new Set<() => void>();

  constructor(taken: { campaignId: string; batch: number; lease: number; word: DispatchWord; now: number }) {
    this.campaignId = taken.campaignId;
    this.batch = taken.batch;
    this.lease = taken.lease;
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
    if (this.word !== 'drain' && this.word !== 'lost') this.tell(answer.wanted ? 'drain' : answer.word);
  }

  tell(word: LeaseWord): void {
    if (word === this.word) return;
    this.word = word;
    this.wake();
  }

  /** Interrupts the pauses of this batch's threads: it is told something, or the Sleep has changed. */
  wake(): void {
    for (const listener of [...this.listeners]) listener();
  }

  /** Calls back with each `wake`. @returns to be called when that is not wanted any more */
  onWake(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Waits so long, or until `wake`; not at all where the batch was told to stop already. */
  async pause(ms: number): Promise<void> {
    if (ms <= 0 || this.word !== 'go') return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        forget();
        resolve();
      };
      const timer = setTimeout(done, ms);
      const forget = this.onWake(done);
    });
  }
}
