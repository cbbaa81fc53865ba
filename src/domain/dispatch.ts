import type { WinnerMeasure } from './ab-test.ts';
import type { BacklogRange, PositionRange } from './batch-plan.ts';
import type { CampaignState, DispatchWord, SubState } from './campaign-state.ts';
import type { OutcomeCounts, Totals } from './outcome.ts';
import type { Pipelines } from './pipeline.ts';

/** Highest first: test sends and triggered mail go before campaigns on the same dispatchers. */
export const priorities = { test: 1, triggered: 2, campaign: 3 } as const;

/** Input of the workflow DispatchNewsletter. `{ campaignId }` is enough to start one by any Temporal client. */
export interface DispatchNewsletterInput {
  readonly campaignId: string;
  /** Who started it, for the audit trail. */
  readonly startedBy?: string | undefined;
  /** Left out by callers: where a run that was continued as new goes on. */
  readonly carried?: CarriedState | undefined;
}

/** What one run of DispatchNewsletter hands to the next. Contains no personal data. */
export interface CarriedState {
  readonly plan: DispatchPlan;
  /** Index in plan.pipelines.dispatchNewsletter of the step to go on with. */
  readonly step: number;
  readonly state: CampaignState;
  readonly subState: SubState;
  readonly contentHash: string;
  readonly window: CarriedWindow;
  readonly control: CarriedControl;
  readonly test?: CarriedTest | undefined;
  /** How the last round began, so that one that changed nothing is known by the next. */
  readonly lastRound?: Pick<RemainingRecipients, 'remaining' | 'attempts'> | undefined;
}

/** What the living dispatchers of a pool can do together. */
export interface Capacity {
  /** Messages that they send at the same time: the sum of their threads. */
  readonly slots: number;
  readonly hosts: number;
}

/** What LaunchDedicatedServers answers. */
export interface LaunchedDispatchers extends Capacity {
  /** Recipients a second that the slowest of them has sent to lately; left out where that is not known of each. */
  readonly expectedPace?: number | undefined;
}

export interface CarriedWindow {
  readonly backlog: readonly BacklogRange[];
  readonly nextBatch: number;
  readonly finishedBatches: number;
  /** Recipients a second of the last batch of each host, by its name. */
  readonly paces: Readonly<Record<string, number>>;
  readonly capacity: Capacity;
  readonly queued: number;
  readonly counts: OutcomeCounts;
}

export interface CarriedTest {
  readonly winner?: number | undefined;
  readonly held?: PositionRange | undefined;
}

export interface CarriedControl {
  readonly word: DispatchWord;
  readonly reason?: string | undefined;
}

/** What the primary's configuration says about a run, read once when it starts: a later change of it breaks no replay. */
export interface DispatchPlan {
  readonly campaignName: string;
  /** Who started it, for the audit trail. */
  readonly startedBy: string;
  readonly pipelines: Pipelines;
  /** Task queue of the pool of dispatchers that sends this campaign. */
  readonly dispatchQueue: string;
  /** EXM's DispatchBatchSize. */
  readonly dispatchBatchSize: number;
  /** False where the namespace lacks the search attributes: they are an aid, never a reason to fail. */
  readonly searchAttributes: boolean;
  /** The run is continued as new after so many batches, or earlier where Temporal suggests it. */
  readonly batchesPerRun?: number | undefined;
  /** Set where the campaign had ended before this run, which its conditions refuse: nothing can be said to it either. */
  readonly hasEnded?: true | undefined;
  /** Set where a person had cancelled the campaign before this run: it only closes the books. */
  readonly cancelled?: { readonly reason?: string | undefined } | undefined;
  /** Left out where the campaign has no A/B test. */
  readonly test?: TestPlan | undefined;
}

/** An A/B test, as far as it concerns how the campaign is dispatched. */
export interface TestPlan {
  /** How many there are; A, the campaign's own content, is 0. */
  readonly variants: number;
  readonly by: 'hand' | WinnerMeasure;
  /** Chosen before this run. */
  readonly winner?: number | undefined;
}

/** What QueueMessage answers. After a run that was ended from outside, part of the queue has outcomes already. */
export interface QueuedMessage {
  readonly queued: number;
  /** Positions without an outcome. */
  readonly backlog: readonly BacklogRange[];
  /** The first number no batch of this campaign has had yet. */
  readonly nextBatch: number;
  /** Positions behind an A/B test whose winner is not chosen yet: not in the backlog. */
  readonly held?: PositionRange | undefined;
}

/** Recipients without an outcome, when all batches have ended. */
export interface RemainingRecipients {
  readonly remaining: number;
  /** How often mail servers have put them off, all together. */
  readonly attempts: number;
  /** Those that are due now. */
  readonly backlog: readonly BacklogRange[];
  /** Where none is due now: when the next one is. */
  readonly dueInMs?: number | undefined;
}

export interface SendBatchInput {
  readonly campaignId: string;
  readonly batch: number;
  readonly range: PositionRange;
  /** Names of the steps of SendEmail. */
  readonly sendEmail: readonly string[];
  /** SHA-256 of the frozen content, which the dispatcher must hold. */
  readonly contentHash: string;
}

/** Why a batch ended before its range did. */
export type BatchStop = 'paused' | 'cancelled' | 'draining' | 'lease-lost';

export interface SendBatchResult {
  readonly server: string;
  readonly counts: OutcomeCounts;
  /** What is left of the range, where it was stopped. */
  readonly rest?: PositionRange | undefined;
  readonly stopped?: BatchStop | undefined;
  /** Recipients the receiving server asked to be tried again later. */
  readonly deferred: number;
  /** Recipients a second; left out where it was too short to tell. */
  readonly pace?: number | undefined;
  /** Of all living dispatchers of the pool when the batch ended. */
  readonly capacity: Capacity;
}

/** What the workflow's query `status` answers. */
export interface DispatchStatus {
  readonly campaignId: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly subState: SubState;
  /** Initialization before the first step, None after the last. */
  readonly step: string;
  readonly totals: Totals;
  readonly batches: { readonly running: number; readonly finished: number };
  readonly slots: number;
  readonly reason?: string | undefined;
  /** Left out where the campaign has no A/B test. */
  readonly test?: TestStatus | undefined;
}

/** Where an A/B test stands. */
export interface TestStatus {
  /** Letters of its variants. */
  readonly variants: readonly string[];
  /** Letter of the winner, once it is chosen. */
  readonly winner?: string | undefined;
  /** Recipients who wait for the winner. */
  readonly held: number;
  /** When the clock chooses the winner (ISO 8601), once the test is out; left out where a person does. */
  readonly dueAt?: string | undefined;
}

/** Result of DispatchNewsletter. */
export interface DispatchResult {
  readonly campaignId: string;
  readonly state: CampaignState;
  readonly totals: Totals;
}
