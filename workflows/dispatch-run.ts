import {
  ApplicationFailure,
  allHandlersFinished,
  type CancellationScope,
  condition,
  continueAsNew,
  setHandler,
} from '@temporalio/workflow';
import type { CampaignState, DispatchWord, SubState } from '../src/domain/campaign-state.ts';
import type {
  Capacity,
  CarriedState,
  DispatchNewsletterInput,
  DispatchPlan,
  DispatchResult,
  DispatchStatus,
  QueuedMessage,
} from '../src/domain/dispatch.ts';
import {
  dispatchersChangedSignal,
  type PreconditionsResult,
  preconditionsUpdate,
  statusQuery,
} from '../src/domain/messages.ts';
import { noTotals, type Totals } from '../src/domain/outcome.ts';
import { AbTest } from './ab-test.ts';
import { BatchWindow } from './batch-window.ts';
import { CampaignDisplay } from './campaign-display.ts';
import { DispatchControl } from './dispatch-control.ts';
import { preconditionsFailed, tolerating } from './failures.ts';
import { PipelineSteps } from './pipeline-steps.ts';
import { step } from './primary-steps.ts';
import { Rounds } from './rounds.ts';

/** What a person's word says of a campaign, before what it is doing. */
const heldSubStates: Partial<Record<DispatchWord, SubState>> = { pause: 'Paused', cancel: 'Cancelled' };

const noFailures: PreconditionsResult = { failures: [], warnings: [] };
const cancelledFirst: PreconditionsResult = {
  failures: [
    { condition: 'state', message: 'it was cancelled; whoever has not got it is entered as cancelled' },
  ],
  warnings: [],
};

/** One run of DispatchNewsletter: where it stands, what it is told, what it shows. */
export class DispatchRun {
  readonly campaign: { readonly campaignId: string };
  readonly window: BatchWindow;
  readonly control: DispatchControl;
  readonly steps: PipelineSteps;
  readonly rounds: Rounds;
  readonly test: AbTest;
  contentHash: string;
  isFinishing = false;
  private readPlanOnce: DispatchPlan | undefined;
  private state: CampaignState;
  private subState: SubState;
  private preconditions: PreconditionsResult | undefined;
  private finalTotals: Totals | undefined;
  private everybodyHasOutcome = false;
  private triedToFinish: boolean;
  private readonly background: Promise<void>[] = [];
  private readonly display = new CampaignDisplay();

  constructor(private readonly input: DispatchNewsletterInput) {
    const { carried } = input;
    this.campaign = { campaignId: input.campaignId };
    this.readPlanOnce = carried?.plan;
    this.state = carried?.state ?? 'Draft';
    this.subState = carried?.subState ?? 'Initialization';
    this.contentHash = carried?.contentHash ?? '';
    if (carried !== undefined) this.preconditions = noFailures;
    this.control = new DispatchControl(this, carried?.control);
    this.steps = new PipelineSteps(this, carried?.step);
    // Only a MoveToSent that is tried again sends, and so is ever continued as new.
    this.triedToFinish = this.steps.currentName === 'MoveToSent';
    this.window = new BatchWindow(this, carried?.window);
    this.rounds = new Rounds(this, carried?.lastRound);
    this.test = new AbTest(this, carried?.test);
  }

  get plan(): DispatchPlan {
    if (this.readPlanOnce === undefined)
      throw ApplicationFailure.nonRetryable('the plan has not been read yet');
    return this.readPlanOnce;
  }

  get hasPlan(): boolean {
    return this.readPlanOnce !== undefined;
  }

  get stepNames(): readonly string[] | undefined {
    return this.readPlanOnce?.pipelines.dispatchNewsletter;
  }

  get word(): DispatchWord {
    return this.control.word;
  }

  get toldWord(): DispatchWord {
    return this.control.told;
  }

  get isCancelled(): boolean {
    return this.word === 'cancel';
  }

  get isSent(): boolean {
    return this.state === 'Sent';
  }

  get isAllOut(): boolean {
    return this.isSent || this.everybodyHasOutcome;
  }

  get canGiveUp(): boolean {
    return this.steps.canGiveUp;
  }

  get isSilent(): boolean {
    return this.window.runningBatches === 0;
  }

  answerMessages(): void {
    this.control.answerMessages();
    this.test.answerMessages();
    setHandler(statusQuery, () => this.status());
    setHandler(dispatchersChangedSignal, (change) => this.dispatchersChanged(change));
    setHandler(preconditionsUpdate, async () => {
      await condition(() => this.preconditions !== undefined);
      return this.preconditions ?? noFailures;
    });
  }

  listenForCancellation(scope: CancellationScope): void {
    scope.cancelRequested.catch(
      async () => await this.control.cancel({ by: 'Temporal', reason: 'the workflow was cancelled' }),
    );
  }

  async readPlan(): Promise<void> {
    if (this.readPlanOnce === undefined) {
      const plan = await step('Initialization', 'read the configuration').readPlan({
        ...this.campaign,
        startedBy: this.input.startedBy,
      });
      if (plan.hasEnded === true) this.control.endedBefore();
      if (plan.cancelled !== undefined) this.control.cancelledBefore(plan.cancelled.reason);
      this.readPlanOnce = plan;
      this.test.planRead(plan);
    }
    this.show();
  }

  /** Performs the pipeline, and what follows from its end. */
  async performAll(perform: (name: string) => Promise<void>): Promise<void> {
    await this.steps.performAll(perform);
    await this.endDispatch();
    await Promise.all(this.background);
  }

  /** @throws ApplicationFailure that names every condition that is not met: the campaign stays a Draft. */
  answerPreconditions(result: PreconditionsResult): void {
    this.preconditions = result;
    if (result.failures.length === 0) return;
    const list = result.failures.map(({ condition: name, message }) => `${name}: ${message}`).join('; ');
    throw ApplicationFailure.nonRetryable(`The campaign cannot start. ${list}`, preconditionsFailed, result);
  }

  entered(state: CampaignState, subState: SubState): void {
    this.state = state;
    this.subState = subState;
    this.show();
  }

  queueFilled(queued: QueuedMessage): void {
    this.window.open(queued);
    this.test.queueFilled(queued.held);
    this.show();
  }

  dispatchersChanged(change: Capacity | undefined): void {
    // What a signal brings may be anything: any Temporal tool can send one.
    const { slots, hosts } = (change ?? {}) as Partial<Capacity>;
    if (!isCount(slots) || !isCount(hosts)) return;
    this.window.capacity = { slots, hosts };
    this.show();
  }

  /** Where MoveToSent was tried before, the campaign is sending again. @returns whether it is */
  reopenBooks(): boolean {
    if (!this.triedToFinish) return false;
    this.everybodyHasOutcome = false;
    // Not where this run only goes on with what the one before it had reopened.
    if (this.isFinishing) this.rounds.forget();
    this.isFinishing = false;
    this.entered(this.state, 'Sending');
    return true;
  }

  /** Nobody is without an outcome. */
  allOut(): void {
    this.everybodyHasOutcome = !this.isCancelled;
  }

  finishing(): void {
    this.isFinishing = true;
    this.triedToFinish = true;
    this.subState = 'Finishing';
    this.show();
  }

  /** How it ends, for MoveToSent. */
  ending(): { campaignId: string; cancelled: boolean; by: string; why?: string | undefined } {
    return {
      ...this.campaign,
      cancelled: this.isCancelled,
      by: this.plan.startedBy,
      why: this.control.reason,
    };
  }

  ended({ state, totals }: { readonly state: CampaignState; readonly totals: Totals }): void {
    this.finalTotals = totals;
    this.entered(state, state === 'Inactive' ? 'Cancelled' : 'Finishing');
  }

  /** Runs beside the following steps, which neither wait for it nor fail with it. */
  inBackground(about: string, run: () => Promise<void>): void {
    this.background.push(tolerating(about, run));
  }

  result(): DispatchResult {
    return { ...this.campaign, state: this.state, totals: this.totals() };
  }

  async hold(reason: string): Promise<void> {
    await this.control.hold(reason);
  }

  controlChanged(): void {
    this.show();
  }

  giveUpSteps(): ReturnType<PipelineSteps['giveUp']> {
    return this.steps.giveUp();
  }

  leftOut(): void {
    this.preconditions ??= cancelledFirst;
  }

  stepFailed(name: string): void {
    // What kept the books from being closed may be that somebody is without an outcome after all.
    if (name === 'MoveToSent') this.everybodyHasOutcome = false;
  }

  troubleChanged(): void {
    this.show();
  }

  batchEnded(): void {
    this.show();
  }

  testChanged(): void {
    this.show();
  }

  async takenBatches(): Promise<readonly number[]> {
    return await step('WaitForDispatchToFinish', 'who still sends').takenBatches(this.campaign);
  }

  async continueAsNew(): Promise<never> {
    await this.settled();
    const { plan, state, subState, contentHash } = this;
    const carried: CarriedState = {
      plan,
      step: this.steps.carry(),
      state,
      subState,
      contentHash,
      window: this.window.carry(),
      control: this.control.carry(),
      test: this.test.carry(),
      lastRound: this.rounds.carry(),
    };
    return await continueAsNew<(input: DispatchNewsletterInput) => Promise<DispatchResult>>({
      ...this.input,
      carried,
    });
  }

  /** Once nothing that a person said is on its way any more. */
  async settled(): Promise<void> {
    await condition(() => this.control.isSettled && this.test.isSettled && allHandlersFinished());
  }

  get reason(): string | undefined {
    return (
      [this.control.reason, this.steps.trouble].filter((part) => part !== undefined).join('; but ') ||
      this.test.reason
    );
  }

  /** Every step is done. What was told to the end stands in the books first, so that nothing comes after it. */
  private async endDispatch(): Promise<void> {
    if (!this.isSent) return this.show();
    await this.control.settled();
    await tolerating(
      'the end of the dispatch',
      async () => await step('DispatchNewsletter', 'every step is done').endDispatch(this.campaign),
    );
    this.entered('Sent', 'None');
  }

  private totals(): Totals {
    if (this.finalTotals !== undefined) return this.finalTotals;
    const { queued, counts } = this.window;
    const remaining = queued - counts.sent - counts.failed - counts.skipped - counts.inDoubt;
    return { ...noTotals, queued, ...counts, remaining };
  }

  private status(): DispatchStatus {
    return {
      ...this.campaign,
      name: this.readPlanOnce?.campaignName ?? '',
      state: this.state,
      subState: heldSubStates[this.word] ?? this.subState,
      step: this.steps.currentName,
      totals: this.totals(),
      batches: { running: this.window.runningBatches, finished: this.window.finishedBatches },
      slots: this.window.capacity.slots,
      reason: this.reason,
      test: this.test.status(),
    };
  }

  private show(): void {
    this.display.show(this.status(), { searchable: this.readPlanOnce?.searchAttributes === true });
  }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0;
}
