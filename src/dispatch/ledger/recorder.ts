import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../../db/connect.ts';
import { isTransient } from '../../db/transient.ts';
import type { Awaitable } from '../../domain/awaitable.ts';
import type { PositionRange } from '../../domain/batch-plan.ts';
import { messageOf } from '../../domain/error-message.ts';
import type { OutcomeCounts } from '../../domain/outcome.ts';
import type { Logger } from '../../logging.ts';
import type { Journal } from '../journal/journal.ts';
import {
  type DeferralEntry,
  type Flush,
  type FlushAnswer,
  flushOutcomes,
  type OutcomeEntry,
} from './flush-outcomes.ts';
import { Lease, type RecordedDeferral, type RecordedOutcome } from './lease.ts';
import { storableDeferral, storableOutcome, unrecordable } from './storable.ts';
import { takeLease, untilHandedBack } from './take-lease.ts';

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
   * How long the last flush vouches for a lease, milliseconds. Less than the heartbeat timeout of the batch (10 s) less
   * the heartbeat's throttling (2 s): a process that was frozen or cut off stops sending before anybody else is given
   * its batch.
   */
  readonly leaseMs?: number;
  /** Told of each flush that failed, and of which campaigns it was. */
  readonly onRefused?: ((error: unknown, campaignIds: ReadonlySet<string>) => void) | undefined;
  /** Keeps on this host's disk what the database does not have yet. Left out: a kill loses up to one flush. */
  readonly journal?: Journal;
  /** Done before a batch is taken from another attempt, whose outcomes may still stand in a journal of this host. */
  readonly beforeTakingOver?: () => Promise<void>;
}

/** As many outcomes may wait before the threads do: a slow database slows sending, it never grows memory. */
const highWater = 4_000;
/**
 * Nor do they send on when an outcome has waited so long, milliseconds: so what is sent while the database is away is
 * what came together for one flush, and was sent until that one was found not to be answered.
 */
const longestUnrecordedMs = 250;
/** Pause before a flush that failed is tried again. */
const retryIntervalMs = 500;

/**
 * The one recorder of a dispatcher process, for all its threads. Every flush is one statement: it inserts the outcomes,
 * adds to the batches' counts where the lease is still held, and brings back for each batch what it is to do and for
 * the server its Sleep. So the same round trip is the record, the fence, the pause and the live progress.
 */
export class Recorder {
  sleepMs: number;
  private readonly leases = new Set<Lease>();
  private outcomes: OutcomeEntry[] = [];
  private deferrals: DeferralEntry[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private waiting: (() => void)[] = [];
  private readonly flushIntervalMs: number;
  private readonly flushOutcomes: number;
  private readonly leaseMs: number;
  /** Since when something waits for the next flush, and in the one under way; monotonic, milliseconds. */
  private waitingSince: number | undefined;
  private flushedSince: number | undefined;
  private stopped = false;
  private draining = false;

  constructor(private readonly options: RecorderOptions) {
    this.sleepMs = options.sleepMs;
    this.flushIntervalMs = options.flushIntervalMs ?? 75;
    this.flushOutcomes = options.flushOutcomes ?? 400;
    this.leaseMs = options.leaseMs ?? 6_000;
  }

  /** Takes a batch: whoever held it before, by an earlier attempt, can write nothing more. */
  async open(campaignId: string, batch: number, range: PositionRange, attempt: number): Promise<Lease> {
    const { db, server, beforeTakingOver } = this.options;
    const isTaken = await untilHandedBack(db, { campaignId, batch, range, attempt });
    if (isTaken || attempt > 1) await beforeTakingOver?.();
    // Before the query: a lease is vouched for from the moment at which it was surely not given to another yet.
    const now = performance.now();
    const { word } = await takeLease(db, { campaignId, batch, range, server, attempt });
    const lease = new Lease({ campaignId, batch, lease: attempt, word, now });
    if (this.draining) lease.tell('drain');
    this.leases.add(lease);
    this.schedule();
    return lease;
  }

  /** Settles when what was recorded until now stands in the journal; undefined where it does. */
  written(): Promise<void> | undefined {
    return this.options.journal?.appended();
  }

  /**
   * Asks before each message whether its thread may go on. Waits until the thread's last outcome stands in the journal,
   * while too much is unrecorded or for too long, and while the last flush is too old to vouch for the lease.
   */
  mayGoOn(lease: Lease): Awaitable<boolean> {
    const appended = this.written();
    if (appended !== undefined || this.mustWait(lease)) return this.mayGoOnLater(lease, appended);
    return !this.stopped && lease.word === 'go';
  }

  private async mayGoOnLater(lease: Lease, appended: Promise<void> | undefined): Promise<boolean> {
    await appended;
    while (this.mustWait(lease)) await this.nextFlush();
    return !this.stopped && lease.word === 'go';
  }

  private mustWait(lease: Lease): boolean {
    return !this.stopped && lease.word === 'go' && (this.isBehind(lease) || this.isStale(lease));
  }

  /**
   * Says in the database which messages go out next, for a campaign that mails nobody twice: whoever of them has no
   * outcome when the batch is taken from this process is in doubt, and not sent to again.
   *
   * @returns false where the thread may not go on: nothing is to be handed over
   */
  async announce(lease: Lease, group: PositionRange): Promise<boolean> {
    lease.toAnnounce = group;
    this.options.journal?.announced(lease, group);
    while (!this.stopped && lease.word === 'go' && lease.toAnnounce !== undefined) await this.nextFlush();
    return !this.stopped && lease.word === 'go';
  }

  /** A message of an announced group is about to go out. */
  begin(lease: Lease, position: number): void {
    this.options.journal?.begun(lease, position);
  }

  record(lease: Lease, recorded: RecordedOutcome): void {
    const outcome = storableOutcome(recorded);
    this.options.journal?.outcome(lease, outcome);
    this.outcomes.push({ lease, outcome });
    this.waitsForFlush(lease);
    if (this.outcomes.length >= this.flushOutcomes) void this.flush();
  }

  defer(lease: Lease, given: RecordedDeferral): void {
    const deferral = storableDeferral(given);
    this.options.journal?.deferral(lease, deferral);
    this.deferrals.push({ lease, deferral });
    this.waitsForFlush(lease);
  }

  /** Ends a batch once all it recorded is in the database. @returns what it counts, over all its attempts. */
  async close(lease: Lease): Promise<OutcomeCounts> {
    lease.closing = true;
    while (this.leases.has(lease) && !this.stopped) await this.nextFlush();
    return lease.counts;
  }

  /** Tells all batches, and those that still come, to stop and be handed back: a planned stop of the process. */
  drain(): void {
    this.draining = true;
    for (const lease of this.leases) lease.tell('drain');
  }

  /** Stops flushing; no thread may go on. To be called when every lease is closed. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.wakeWaiting();
  }

  private isBehind(lease: Lease): boolean {
    if (this.options.journal?.works === false && lease.unrecorded > 0) return true;
    const waitingMs =
      performance.now() - (this.flushedSince ?? this.waitingSince ?? Number.POSITIVE_INFINITY);
    return this.outcomes.length >= highWater || waitingMs > longestUnrecordedMs;
  }

  private waitsForFlush(lease: Lease): void {
    lease.unrecorded++;
    this.waitingSince ??= performance.now();
  }

  private isStale(lease: Lease): boolean {
    return performance.now() - lease.confirmedAt > this.leaseMs;
  }

  private async nextFlush(): Promise<void> {
    if (this.stopped) return;
    this.schedule(0);
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wakeWaiting(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
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
      this.wakeWaiting();
      if (this.leases.size > 0) this.schedule();
    });
    await this.flushing;
  }

  private async flushOnce(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.leases.size === 0) return;
    const leases = [...this.leases];
    const { outcomes, deferrals } = this;
    const flush: Flush = {
      server: this.options.server,
      leases,
      closing: leases.filter((lease) => lease.closing),
      outcomes,
      deferrals,
      announcing: new Map(
        leases.flatMap((lease) => (lease.toAnnounce === undefined ? [] : [[lease, lease.toAnnounce]])),
      ),
    };
    this.outcomes = [];
    this.deferrals = [];
    this.flushedSince = this.waitingSince;
    this.waitingSince = undefined;
    this.options.journal?.flushBegins();
    try {
      await this.send(flush);
      // From here on these batches may hand over what they have announced.
      for (const lease of flush.announcing.keys()) lease.toAnnounce = undefined;
      this.options.journal?.flushSucceeded();
      for (const lease of flush.closing) this.end(lease);
      this.warnOfRefused(outcomes);
    } catch (error) {
      const { log } = this.options;
      this.options.onRefused?.(error, new Set(leases.map(({ campaignId }) => campaignId)));
      log.warn(
        { err: messageOf(error), outcomes: outcomes.length },
        'outcomes could not be recorded; trying again',
      );
      if (isTransient(error) || outcomes.length + deferrals.length === 0) {
        // Nothing was recorded: keep it all, and let the threads run dry rather than send what cannot be recorded.
        this.outcomes = [...outcomes, ...this.outcomes];
        this.deferrals = [...deferrals, ...this.deferrals];
        this.waitingSince = this.flushedSince ?? this.waitingSince;
        await delay(retryIntervalMs);
      } else {
        await this.flushOneByOne(leases, outcomes, deferrals);
      }
    } finally {
      this.flushedSince = undefined;
    }
  }

  private end(lease: Lease): void {
    this.leases.delete(lease);
    this.options.journal?.ended(lease);
  }

  /** One entry that the database refuses for good must not keep back those of all other batches. */
  private async flushOneByOne(
    leases: readonly Lease[],
    outcomes: readonly OutcomeEntry[],
    deferrals: readonly DeferralEntry[],
  ): Promise<void> {
    const { server, log } = this.options;
    const alone: Flush = {
      server,
      leases,
      closing: [],
      outcomes: [],
      deferrals: [],
      announcing: new Map(),
    };
    for (const [index, entry] of outcomes.entries()) {
      try {
        await this.send({ ...alone, outcomes: [entry] });
      } catch (error) {
        if (isTransient(error)) {
          this.outcomes = [...outcomes.slice(index), ...this.outcomes];
          this.deferrals = [...deferrals, ...this.deferrals];
          return this.keptWaiting();
        }
        const about = { err: messageOf(error), position: entry.outcome.position };
        log.error(about, 'an outcome cannot be recorded');
        this.outcomes.push(
          entry.isSubstitute
            ? entry
            : { lease: entry.lease, outcome: unrecordable(entry.outcome), isSubstitute: true },
        );
      }
    }
    for (const [index, entry] of deferrals.entries()) {
      try {
        await this.send({ ...alone, deferrals: [entry] });
      } catch (error) {
        if (isTransient(error)) {
          this.deferrals = [...deferrals.slice(index), ...this.deferrals];
          return this.keptWaiting();
        }
        const about = { err: messageOf(error), position: entry.deferral.position };
        log.error(about, 'a deferral cannot be recorded');
        // Without it the recipient is due at once, in the next round.
        entry.lease.unrecorded--;
      }
    }
    this.keptWaiting();
    // Nobody's outcome is given up: it is tried until somebody has mended what refuses it, and nothing is sent meanwhile.
    if (outcomes.some(({ isSubstitute }) => isSubstitute) && this.outcomes.length > 0)
      await delay(retryIntervalMs);
  }

  /** What could not be recorded by itself waits for the next flush, for as long already as it did for this one. */
  private keptWaiting(): void {
    if (this.outcomes.length + this.deferrals.length > 0)
      this.waitingSince = this.flushedSince ?? this.waitingSince;
  }

  private async send(flush: Flush): Promise<void> {
    const startedAt = performance.now();
    const answer = await flushOutcomes(this.options.db, flush);
    for (const { lease } of [...flush.outcomes, ...flush.deferrals]) lease.unrecorded--;
    this.heard(flush.leases, answer, startedAt);
  }

  private heard(leases: readonly Lease[], { batches, sleepMs }: FlushAnswer, startedAt: number): void {
    if (sleepMs !== undefined && sleepMs !== this.sleepMs) {
      this.sleepMs = sleepMs;
      for (const lease of leases) lease.wake();
    }
    for (const lease of leases) lease.answered(batches.get(lease), startedAt);
  }

  private warnOfRefused(outcomes: readonly OutcomeEntry[]): void {
    const refused = outcomes.filter(({ lease }) => lease.word === 'lost').length;
    if (refused > 0) this.options.log.warn({ refused }, 'outcomes were refused: the batch is in other hands');
  }
}
