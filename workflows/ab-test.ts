import type { SignalDefinition, UpdateDefinition } from '@temporalio/common';
import { CancellationScope, condition, setHandler } from '@temporalio/workflow';
import { letterOf, lettersOf, variantOf, waitsForWinner } from '../src/domain/ab-test.ts';
import type { PositionRange } from '../src/domain/batch-plan.ts';
import type { DispatchWord } from '../src/domain/campaign-state.ts';
import type { CarriedTest, DispatchPlan, TestStatus } from '../src/domain/dispatch.ts';
import {
  chooseWinnerSignal,
  chooseWinnerUpdate,
  type MoveRequest,
  type MoveResult,
  moveDecisionSignal,
  moveDecisionUpdate,
  type WinnerRequest,
  type WinnerResult,
} from '../src/domain/messages.ts';
import { instantMs } from '../src/domain/time-text.ts';
import type { BatchWindow } from './batch-window.ts';
import { describeFailure, noteFailure } from './failures.ts';
import { step } from './primary-steps.ts';
import { refuseWith, winnerRequestOf } from './requests.ts';
import type { Rounds } from './rounds.ts';

/** No decision is moved further than this, milliseconds. */
const furthestMs = 365 * 86_400_000;

export interface TestedDispatch {
  readonly campaign: { readonly campaignId: string };
  readonly plan: DispatchPlan;
  readonly hasPlan: boolean;
  readonly word: DispatchWord;
  readonly window: BatchWindow;
  readonly rounds: Rounds;
  hold(reason: string): Promise<void>;
  testChanged(): void;
}

/**
 * The A/B test of a campaign: whoever is behind it is held back until its winner is chosen, by the clock or by a person.
 * The clock counts from when the test is out, chooses nothing while the campaign is paused, and survives whatever happens
 * to a worker: it is a timer of Temporal's.
 */
export class AbTest {
  private winner: number | undefined;
  /** Those who are held back; undefined before the queue is filled, where there are none, and once they were let go. */
  private held: PositionRange | undefined;
  private isQueued: boolean;
  /** The clock has begun to count, or nobody has set one and a person is waited for. */
  private isOut = false;
  /** When the clock chooses, milliseconds since 1970. */
  private dueAt: number | undefined;
  /** Before this there is no use in asking for the decision, milliseconds since 1970: the database's clock is behind ours. */
  private notBefore = 0;
  private clock: Promise<void> | undefined;
  private isDeciding = false;
  /** Requests of people that are not answered yet. */
  private asked = 0;

  constructor(
    private readonly dispatch: TestedDispatch,
    carried?: CarriedTest,
  ) {
    this.winner = carried?.winner;
    this.held = carried?.held;
    this.isQueued = carried !== undefined;
  }

  answerMessages(): void {
    this.answer(chooseWinnerUpdate, chooseWinnerSignal, {
      whyNot: (request) => this.whyNotChoose(request),
      change: async (request) => await this.choose(request),
    });
    this.answer(moveDecisionUpdate, moveDecisionSignal, {
      whyNot: (request) => this.whyNotMove(request),
      change: async (request) => await this.move(request),
    });
  }

  planRead({ test }: DispatchPlan): void {
    this.winner ??= test?.winner;
  }

  queueFilled(held: PositionRange | undefined): void {
    this.isQueued = true;
    this.held = held;
    this.letGo();
  }

  /** Sends the test, and waits until its winner is chosen or the dispatch was cancelled. Nothing where nobody is held back. */
  async untilDecided(): Promise<void> {
    if (!this.isWaiting) return;
    const { window, campaign } = this.dispatch;
    while (this.isWaiting) {
      await window.untilFinished();
      if (!this.isWaiting) break;
      if (!this.isOut) await this.beginToWait();
      // Those whom mail servers have put off are sent to meanwhile, in the variant that they were dealt.
      const last = (this.held?.first ?? 1) - 1;
      const remaining = await step('SendMessage', 'who of the test has no outcome yet').planRemaining({
        ...campaign,
        last,
      });
      await this.dispatch.rounds.untilDue(remaining, () => !this.isWaiting);
      window.putBack(remaining.backlog);
    }
    await window.untilGivenOut();
  }

  /** While nothing is being decided: the run may be continued as new. */
  get isSettled(): boolean {
    return !this.isDeciding;
  }

  carry(): CarriedTest | undefined {
    const { winner, held } = this;
    return this.plan === undefined ? undefined : { winner, held };
  }

  status(): TestStatus | undefined {
    const { plan, winner, held, dueAt } = this;
    if (plan === undefined) return undefined;
    return {
      variants: Array.from({ length: plan.variants }, (_, variant) => letterOf(variant)),
      winner: winner === undefined ? undefined : letterOf(winner),
      held: held === undefined ? 0 : held.last - held.first + 1,
      dueAt: held === undefined || dueAt === undefined ? undefined : new Date(dueAt).toISOString(),
    };
  }

  /** What the campaign waits for, where it is this. */
  get reason(): string | undefined {
    if (!this.isWaiting || !this.isOut) return undefined;
    const { dueAt } = this;
    return waitsForWinner(
      this.dispatch.campaign.campaignId,
      dueAt === undefined ? undefined : new Date(dueAt),
    );
  }

  private get plan() {
    return this.dispatch.hasPlan ? this.dispatch.plan.test : undefined;
  }

  private get isWaiting(): boolean {
    return this.held !== undefined && this.dispatch.word !== 'cancel';
  }

  private async beginToWait(): Promise<void> {
    const { dueAt } = await step('SendMessage', 'the A/B test is out').testIsOut(this.dispatch.campaign);
    this.isOut = true;
    this.dueAt = dueAt;
    this.clock ??= this.decideInTime();
    this.dispatch.testChanged();
  }

  private async decideInTime(): Promise<void> {
    while (this.isWaiting) {
      const { dueAt } = this;
      const isOver = () => !this.isWaiting || this.dueAt !== dueAt;
      if (dueAt === undefined) await condition(isOver);
      else if (this.msUntil(dueAt) > 0) await condition(isOver, this.msUntil(dueAt));
      else if (!this.mayDecide) await condition(() => isOver() || this.mayDecide);
      else await this.decideByClock();
    }
  }

  /** What a person said while no worker was there comes before a clock that struck meanwhile. */
  private get mayDecide(): boolean {
    return this.dispatch.word !== 'pause' && this.asked === 0;
  }

  private msUntil(dueAt: number): number {
    return Math.max(dueAt, this.notBefore) - Date.now();
  }

  private async decideByClock(): Promise<void> {
    this.isDeciding = true;
    try {
      const decision = await step('SendMessage', 'choose the winner of the A/B test').decideWinner(
        this.dispatch.campaign,
      );
      if ('winner' in decision) return this.decided(decision.winner);
      // By the database's clock it is too early, or somebody moved it.
      this.dueAt = decision.dueAt;
      this.notBefore = Date.now() + decision.inMs;
    } catch (error) {
      await this.dispatch.hold(`the winner of the A/B test could not be chosen: ${describeFailure(error)}`);
    } finally {
      this.isDeciding = false;
    }
  }

  private decided(winner: number): void {
    this.winner = winner;
    this.letGo();
    this.dispatch.testChanged();
  }

  private letGo(): void {
    if (this.winner === undefined || this.held === undefined) return;
    this.dispatch.window.append(this.held);
    this.held = undefined;
  }

  private async choose(request: WinnerRequest): Promise<WinnerResult> {
    const wanted = variantOf(request.variant, this.plan?.variants ?? 0) ?? 0;
    const { by = 'unknown', reason: why } = request;
    const decision = await step('chooseWinner', letterOf(wanted)).decideWinner({
      ...this.dispatch.campaign,
      wanted: { variant: wanted, by, why },
    });
    const winner = 'winner' in decision ? decision.winner : wanted;
    this.decided(winner);
    if (winner !== wanted) refuseWith(chosenAlready(winner));
    return { accepted: true, winner: letterOf(winner) };
  }

  private async move({ at, inMs, by = 'unknown', reason: why }: MoveRequest): Promise<MoveResult> {
    const { dueAt } = await step('moveDecision').moveDecision({
      ...this.dispatch.campaign,
      at: at === undefined ? { inMs: inMs ?? 0 } : new Date(instantMs(at) ?? Date.now()).toISOString(),
      by,
      why,
    });
    if (dueAt === undefined) return refuseWith(chosenAlready(this.winner));
    this.dueAt = dueAt;
    this.notBefore = 0;
    this.dispatch.testChanged();
    return { accepted: true, dueAt: new Date(dueAt).toISOString() };
  }

  private whyNot(): string | undefined {
    if (!this.dispatch.hasPlan) return undefined;
    if (this.dispatch.plan.hasEnded === true) return 'it has ended already';
    if (this.plan === undefined) return 'it has no A/B test';
    if (this.dispatch.word === 'cancel') return 'it was cancelled';
    if (this.winner !== undefined) return chosenAlready(this.winner);
    return this.isQueued && this.held === undefined
      ? 'its A/B test goes to all recipients, so nobody is left to get the winner'
      : undefined;
  }

  private whyNotChoose({ variant }: WinnerRequest): string | undefined {
    const refusal = this.whyNot();
    if (refusal !== undefined || this.plan === undefined) return refusal;
    if (variantOf(variant, this.plan.variants) !== undefined) return undefined;
    return `there is no variant "${variant.slice(0, 20)}", but ${lettersOf(this.plan.variants)}`;
  }

  private whyNotMove({ at, inMs }: MoveRequest): string | undefined {
    const refusal = this.whyNot();
    if (refusal !== undefined) return refusal;
    if (this.plan?.by === 'hand')
      return 'a person chooses the winner of its A/B test, so there is no time to be moved';
    const ms = at === undefined ? inMs : (instantMs(at) ?? Number.NaN) - Date.now();
    if (ms === undefined || Number.isNaN(ms)) return 'this is no time such as 2026-11-22T14:00Z';
    if (ms < 0) return 'that time has passed';
    return ms > furthestMs ? 'that time is more than a year away' : undefined;
  }

  /** A request that came before the plan was read is judged once it is. */
  private answer<Request extends WinnerRequest | MoveRequest, Result>(
    update: UpdateDefinition<Result, [Request]>,
    signal: SignalDefinition<[Request]>,
    {
      whyNot,
      change,
    }: { whyNot(request: Request): string | undefined; change(request: Request): Promise<Result> },
  ): void {
    const judged = async (asked: Request): Promise<Result> =>
      // Also while the workflow is being cancelled: whoever asked is waiting for an answer.
      await CancellationScope.nonCancellable(async () => {
        const request = winnerRequestOf(asked) as Request;
        this.asked++;
        try {
          await condition(() => this.dispatch.hasPlan);
          refuseWith(whyNot(request));
          return await change(request);
        } finally {
          this.asked--;
        }
      });
    setHandler(update, judged, {
      validator: (asked) => refuseWith(whyNot(winnerRequestOf(asked) as Request)),
    });
    // Nobody hears a signal's failure, and it would end the workflow.
    setHandler(signal, async (asked) => {
      await judged(asked).catch((error) => noteFailure('the A/B test was not changed', error));
    });
  }
}

function chosenAlready(winner: number | undefined): string {
  return `the winner was chosen already${winner === undefined ? '' : `: variant ${letterOf(winner)}`}`;
}
