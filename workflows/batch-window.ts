import { condition, executeChild, workflowInfo } from '@temporalio/workflow';
import {
  type BacklogRange,
  batchesAtOnce,
  type PositionRange,
  restOf,
  takeRange,
} from '../src/domain/batch-plan.ts';
import type { DispatchWord } from '../src/domain/campaign-state.ts';
import {
  type Capacity,
  type CarriedWindow,
  type DispatchPlan,
  priorities,
  type QueuedMessage,
  type SendBatchResult,
} from '../src/domain/dispatch.ts';
import { batchWorkflowId } from '../src/domain/names.ts';
import { addCounts, noCounts } from '../src/domain/outcome.ts';
import { cancelMaximumMs } from '../src/domain/stop-times.ts';
import { describeFailure } from './failures.ts';
import { SendBatch } from './send-batch.ts';

/** A dispatcher that works hears of a cancel, and hands its batch back, in less than this, milliseconds. */
const cancelGraceMs = 2_000;
/** Longest pause, milliseconds, between two looks whether the batches that were taken have ended. */
const cancelPauseMs = 60_000;

export interface DispatchedCampaign {
  readonly campaign: { readonly campaignId: string };
  readonly plan: DispatchPlan;
  readonly contentHash: string;
  readonly word: DispatchWord;
  /** What dispatchers have been told. */
  readonly toldWord: DispatchWord;
  /** A batch failed for a reason that trying again does not mend. */
  hold(reason: string): Promise<void>;
  batchEnded(): void;
  /** Numbers of the batches that a dispatcher has taken and not ended. */
  takenBatches(): Promise<readonly number[]>;
  /** Continues the workflow as new; never returns. */
  continueAsNew(): Promise<never>;
}

/**
 * The window of SendBatch children that are running or waiting for a free dispatcher: one more for each than it works on,
 * so that whoever is free finds the next batch waiting.
 */
export class BatchWindow {
  private backlog: BacklogRange[] = [];
  private readonly running = new Map<number, PositionRange>();
  private nextBatch = 1;
  private startedInThisRun = 0;
  private draining = false;
  /** The batches started in this run, until what follows from their end is done too. */
  private readonly ends: Promise<void>[] = [];
  /** Recipients a second of the last batch of each host, by its name. */
  private paces: Readonly<Record<string, number>> = {};
  /** How fast the slowest host is expected to be before the first batch has ended. */
  expectedPace: number | undefined;
  finishedBatches = 0;
  capacity: Capacity = { slots: 0, hosts: 0 };
  queued = 0;
  counts = noCounts;

  constructor(
    private readonly dispatch: DispatchedCampaign,
    carried?: CarriedWindow,
  ) {
    if (carried === undefined) return;
    this.backlog = [...carried.backlog];
    this.nextBatch = carried.nextBatch;
    this.finishedBatches = carried.finishedBatches;
    this.paces = carried.paces;
    this.capacity = carried.capacity;
    this.queued = carried.queued;
    this.counts = carried.counts;
  }

  get runningBatches(): number {
    return this.running.size;
  }

  open(queued: QueuedMessage): void {
    this.queued = queued.queued;
    this.backlog = [...queued.backlog];
    this.nextBatch = queued.nextBatch;
  }

  /** Ranges to be dispatched again. */
  putBack(ranges: readonly BacklogRange[]): void {
    this.backlog.unshift(...ranges);
  }

  /** A range to be dispatched behind everything else. */
  append(range: BacklogRange): void {
    this.backlog.push(range);
  }

  /** Starts batches until the window is full. */
  fill(): void {
    while (this.canStart()) {
      const taken = takeRange({
        backlog: this.backlog,
        hosts: this.capacity.hosts,
        dispatchBatchSize: this.dispatch.plan.dispatchBatchSize,
        queued: this.queued,
        paces: Object.values(this.paces),
        expectedPace: this.expectedPace,
      });
      if (taken === undefined) return;
      this.backlog = taken.backlog;
      this.ends.push(this.runBatch(this.nextBatch++, taken.range));
    }
  }

  /** Keeps the window full until the backlog is given out, or the dispatch was cancelled. */
  async untilGivenOut(): Promise<void> {
    while (this.dispatch.word !== 'cancel') {
      if (this.historyIsFull()) await this.drainAndContinueAsNew();
      this.fill();
      if (this.backlog.length === 0) return;
      await condition(() => this.dispatch.word === 'cancel' || this.canStart() || this.historyIsFull());
    }
  }

  /** Waits until every batch has ended and nothing was put back, or the dispatch was cancelled and is silent. */
  async untilFinished(): Promise<void> {
    for (;;) {
      await this.untilGivenOut();
      if (this.dispatch.word === 'cancel') break;
      if (this.running.size === 0 && this.backlog.length === 0) return;
      await condition(
        () => this.dispatch.word === 'cancel' || this.running.size === 0 || this.backlog.length > 0,
      );
    }
    await this.untilSilent();
  }

  carry(): CarriedWindow {
    const { backlog, nextBatch, finishedBatches, paces, capacity, queued, counts } = this;
    return { backlog, nextBatch, finishedBatches, paces, capacity, queued, counts };
  }

  /**
   * After a cancel: waits for the messages on the wire, for whoever got one must not be entered as cancelled. Batches
   * that nobody took need no waiting for, and those of an earlier run, which was ended from outside, do.
   */
  private async untilSilent(): Promise<void> {
    const until = Date.now() + cancelMaximumMs;
    await condition(() => this.running.size === 0, cancelGraceMs);
    for (let pauseMs = cancelGraceMs; Date.now() < until; pauseMs = Math.min(2 * pauseMs, cancelPauseMs)) {
      const taken = await this.dispatch.takenBatches();
      if (taken.length === 0) return;
      const runs = () => taken.some((batch) => this.running.has(batch));
      const isOurs = runs();
      await condition(() => isOurs && !runs(), pauseMs);
    }
  }

  private get size(): number {
    return Math.max(2, this.capacity.hosts * batchesAtOnce);
  }

  private canStart(): boolean {
    return (
      this.dispatch.word === 'go' &&
      this.dispatch.toldWord === 'go' &&
      !this.draining &&
      this.backlog.length > 0 &&
      this.running.size < this.size
    );
  }

  private historyIsFull(): boolean {
    const limit = this.dispatch.plan.batchesPerRun ?? Number.POSITIVE_INFINITY;
    return workflowInfo().continueAsNewSuggested || this.startedInThisRun >= limit;
  }

  private async drainAndContinueAsNew(): Promise<void> {
    this.draining = true;
    // A cancelled dispatch ends in this run: what nobody has taken needs no waiting for.
    await condition(() => this.running.size === 0 || this.dispatch.word === 'cancel');
    if (this.dispatch.word !== 'cancel') await Promise.all(this.ends);
    if (this.dispatch.word !== 'cancel') await this.dispatch.continueAsNew();
    this.draining = false;
  }

  private async runBatch(batch: number, backlogRange: BacklogRange): Promise<void> {
    const { first, last } = backlogRange;
    const range = { first, last };
    this.running.set(batch, range);
    this.startedInThisRun++;
    const { campaign, plan, contentHash } = this.dispatch;
    const ended = executeChild(SendBatch, {
      workflowId: batchWorkflowId(campaign.campaignId, batch),
      taskQueue: plan.dispatchQueue,
      args: [{ ...campaign, batch, range, sendEmail: plan.pipelines.sendEmail, contentHash }],
      priority: { priorityKey: priorities.campaign, fairnessKey: campaign.campaignId },
      staticSummary: `positions ${range.first} to ${range.last}`,
    });
    try {
      const result = await ended;
      this.running.delete(batch);
      this.fold(result);
      if (result.rest !== undefined) this.putBack([restOf(backlogRange, result.rest)]);
    } catch (error) {
      this.running.delete(batch);
      this.putBack([backlogRange]);
      await this.dispatch.hold(
        `batch ${batch} (positions ${range.first} to ${range.last}): ${describeFailure(error)}`,
      );
    }
    this.dispatch.batchEnded();
  }

  /** The paces of as many hosts as there are: a slow one that is gone must not keep batches small. */
  private tookPace(server: string, pace: number): void {
    const others = Object.entries(this.paces).filter(([name]) => name !== server);
    this.paces = Object.fromEntries([...others, [server, pace]].slice(-Math.max(1, this.capacity.hosts)));
  }

  private fold(result: SendBatchResult): void {
    this.finishedBatches++;
    this.counts = addCounts(this.counts, result.counts);
    if (result.capacity.slots > 0) this.capacity = result.capacity;
    if (result.pace !== undefined) this.tookPace(result.server, result.pace);
  }
}
