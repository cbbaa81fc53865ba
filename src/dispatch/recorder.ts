import { performance } from 'node:perf_hooks';
import type { Database } from '../db/connect.ts';
import type { PositionRange } from '../domain/batch-plan.ts';
import { messageOf } from '../domain/error-message.ts';
import type { OutcomeCounts } from '../domain/outcome.ts';
import type { Logger } from '../logging.ts';
import { flushOutcomes } from './flush-outcomes.ts';
import { Lease, type RecordedDeferral, type RecordedOutcome } from './lease.ts';
import { takeLease } from './take-lease.ts';

export interface RecorderOptions {
  readonly db: Database;
  /** Name of this server. */
  readonly server: string;
  readonly log: Logger;
  /** The Sleep that the server starts with, milliseconds. */
  readonly sleepMs: number;
  /** Longest time an outcome waits to be recorded, and a word to be heard, milliseconds. */
  readonly flushIntervalMs?: number;
  /** As many outcomes are recorded without waiting for the interval. */
  readonly flushOutcomes?: number;
  /**
   * How long the last flush vouches for a lease, milliseconds. Less than the heartbeat timeout of the batch (10 s): a
   * process that was frozen or cut off stops sending before anybody else is given its batch.
   */
  readonly leaseMs?: number;
}

/** As many outcomes may wait before the slots do: a slow database slows sending, it never grows memory. */
const highWater = 4_000;
/** Pause before a flush that failed is tried again. */
const retryIntervalMs = 500;

/**
 * The one recorder of a dispatcher process, for all its slots. Every flush is one statement: it inserts the outcomes,
 * adds to the batches' counts where the lease is still held, and brings back for each batch what it is to do and for
 * the server its Sleep. So the same round trip is the record, the fence, the pause and the live progress.
 */
export class Recorder {
  sleepMs: number;
  private readonly leases = new Set<Lease>();
  private outcomes: { readonly lease: Lease; readonly outcome: RecordedOutcome }[] = [];
  private deferrals: { readonly lease: Lease; readonly deferral: RecordedDeferral }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private waiting: (() => void)[] = [];
  private readonly flushIntervalMs: number;
  private readonly flushOutcomes: number;
  private readonly leaseMs: number;
  private stopped = false;
  private draining = false;

  constructor(private readonly options: RecorderOptions) {
    this.sleepMs = options.sleepMs;
    this.flushIntervalMs = options.flushIntervalMs ?? 75;
    this.flushOutcomes = options.flushOutcomes ?? 400;
    this.leaseMs = options.leaseMs ?? 6_000;
  }

  /** Takes a batch: whoever held it before can write nothing more. */
  async open(campaignId: string, batch: number, range: PositionRange): Promise<Lease> {
    const taken = await takeLease(this.options.db, { campaignId, batch, range, server: this.options.server });
    const lease = new Lease({
      campaignId,
      batch,
      number: taken.lease,
      word: taken.word,
      now: performance.now(),
    });
    if (this.draining) lease.tell('drain');
    this.leases.add(lease);
    this.schedule();
    return lease;
  }

  /**
   * Asks before each message whether its slot may go on. Waits while too much is unrecorded, and while the last flush
   * is too old to vouch for the lease.
   */
  async mayGoOn(lease: Lease): Promise<boolean> {
    while (lease.word === 'go' && (this.isBehind() || this.isStale(lease))) await this.nextFlush();
    return lease.word === 'go';
  }

  record(lease: Lease, outcome: RecordedOutcome): void {
    this.outcomes.push({ lease, outcome });
    if (this.outcomes.length >= this.flushOutcomes) void this.flush();
  }

  defer(lease: Lease, deferral: RecordedDeferral): void {
    this.deferrals.push({ lease, deferral });
  }

  /** Ends a batch once all it recorded is in the database. @returns what it counts, over all its attempts. */
  async close(lease: Lease): Promise<OutcomeCounts> {
    lease.closing = true;
    while (this.leases.has(lease)) await this.nextFlush();
    return lease.counts;
  }

  /** Tells all batches, and those that still come, to stop and be handed back: a planned stop of the process. */
  drain(): void {
    this.draining = true;
    for (const lease of this.leases) lease.tell('drain');
  }

  /** Stops flushing. To be called when every lease is closed. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private isBehind(): boolean {
    return this.outcomes.length >= highWater;
  }

  private isStale(lease: Lease): boolean {
    return performance.now() - lease.confirmedAt > this.leaseMs;
  }

  private nextFlush(): Promise<void> {
    this.schedule(0);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private schedule(afterMs = this.flushIntervalMs): void {
    if (this.stopped || this.flushing !== undefined) return;
    if (this.timer !== undefined && afterMs > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.flush(), afterMs);
  }

  private async flush(): Promise<void> {
    this.flushing ??= this.flushOnce().finally(() => {
      this.flushing = undefined;
      for (const resolve of this.waiting.splice(0)) resolve();
      if (this.leases.size > 0) this.schedule();
    });
    await this.flushing;
  }

  private async flushOnce(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.leases.size === 0) return;
    const startedAt = performance.now();
    const leases = [...this.leases];
    const closing = leases.filter((lease) => lease.closing);
    const outcomes = this.outcomes;
    const deferrals = this.deferrals;
    this.outcomes = [];
    this.deferrals = [];
    try {
      const answer = await flushOutcomes(this.options.db, {
        server: this.options.server,
        leases,
        closing,
        outcomes,
        deferrals,
      });
      if (answer.sleepMs !== undefined && answer.sleepMs !== this.sleepMs) {
        this.sleepMs = answer.sleepMs;
        for (const lease of leases) lease.wake();
      }
      for (const lease of leases) lease.answered(answer.batches.get(lease), startedAt);
      for (const lease of closing) this.leases.delete(lease);
      this.warnOfRefused(outcomes);
    } catch (error) {
      // Nothing was recorded: keep it all, and let the slots run dry rather than send what cannot be recorded.
      this.outcomes = [...outcomes, ...this.outcomes];
      this.deferrals = [...deferrals, ...this.deferrals];
      this.options.log.warn(
        { err: messageOf(error), outcomes: outcomes.length },
        'outcomes could not be recorded; trying again',
      );
      await new Promise((resolve) => setTimeout(resolve, retryIntervalMs));
    }
  }

  private warnOfRefused(outcomes: readonly { lease: Lease }[]): void {
    const refused = outcomes.filter(({ lease }) => lease.word === 'lost').length;
    if (refused > 0) this.options.log.warn({ refused }, 'outcomes were refused: the batch is in other hands');
  }
}
