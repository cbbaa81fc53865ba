import type { SignalDefinition, UpdateDefinition } from '@temporalio/common';
import { CancellationScope, condition, setHandler } from '@temporalio/workflow';
import type { DispatchWord } from '../src/domain/campaign-state.ts';
import type { CarriedControl } from '../src/domain/dispatch.ts';
import {
  type ControlRequest,
  type ControlResult,
  cancelSignal,
  cancelUpdate,
  pauseSignal,
  pauseUpdate,
  resumeSignal,
  resumeUpdate,
} from '../src/domain/messages.ts';
import { noteFailure } from './failures.ts';
import { step } from './primary-steps.ts';
import { longestText, refuseWith, requestOf } from './requests.ts';

/** How long a control update waits for the last dispatcher to fall silent before it answers all the same. */
const silenceTimeout = '5s';
const hasEndedAlready = 'it has ended already';

export interface ControlledDispatch {
  readonly campaign: { readonly campaignId: string };
  /** True once the plan has been read: before that nothing may be written about the campaign. */
  readonly hasPlan: boolean;
  /** True once the books are being closed: nothing can be held or ended by a person any more. */
  readonly isFinishing: boolean;
  /** True once they are closed and everybody's mail is out: only steps that follow are left. */
  readonly isSent: boolean;
  /** True once nobody is without an outcome, be the books closed or not: nothing is left to be cancelled. */
  readonly isAllOut: boolean;
  /** True where the step that is being done, or held, can be left out. */
  readonly canGiveUp: boolean;
  /** True while no batch runs. */
  readonly isSilent: boolean;
  controlChanged(): void;
  /** Gives up the step that is held and those that follow it. @returns which one, and what is to be shown of it */
  giveUpSteps(): { readonly step: string; readonly reason: string };
}

/**
 * Pause, resume and cancel. The wish changes at once; what dispatchers are told follows in the order in which the
 * wishes were accepted, so that several clients at once never leave a mixture.
 */
export class DispatchControl {
  word: DispatchWord;
  /** Why it is paused or was cancelled. */
  reason: string | undefined;
  /** What dispatchers were told last: batches that are started before they hear `go` would come back at once. */
  told: DispatchWord;
  private telling: Promise<void> = Promise.resolve();
  /** How many words dispatchers have not been told yet. */
  private untold = 0;
  private hasEnded = false;

  constructor(
    private readonly dispatch: ControlledDispatch,
    carried?: CarriedControl,
  ) {
    this.word = carried?.word ?? 'go';
    this.told = this.word;
    this.reason = carried?.reason;
  }

  answerMessages(): void {
    this.answer(pauseUpdate, pauseSignal, 'pause', () => this.whyNotPause());
    this.answer(resumeUpdate, resumeSignal, 'go', () => this.whyNotResume());
    this.answer(cancelUpdate, cancelSignal, 'cancel', () => this.whyNotCancel());
  }

  private answer(
    update: UpdateDefinition<ControlResult, [ControlRequest]>,
    signal: SignalDefinition<[ControlRequest]>,
    word: DispatchWord,
    whyNot: () => string | undefined,
  ): void {
    setHandler(update, async (request) => await this.change(word, request), {
      validator: (_request: ControlRequest) => refuseWith(whyNot()),
    });
    // Nobody hears a signal's failure, and it would end the workflow.
    setHandler(signal, async (request) => {
      if (whyNot() === undefined) await this.change(word, request).catch(notTold);
    });
  }

  /** Pauses because something is wrong that only a person can mend. The first reason stays; a cancelled dispatch is not held. */
  async hold(reason: string): Promise<void> {
    if (this.word !== 'go') return;
    await this.change('pause', { by: 'exm', reason }).catch(notTold);
  }

  async cancel(request: ControlRequest): Promise<void> {
    if (this.whyNotCancel() === undefined) await this.change('cancel', request).catch(notTold);
  }

  /** Takes over a cancel of which dispatchers were told before this run began. */
  cancelledBefore(reason: string | undefined): void {
    this.word = 'cancel';
    this.told = 'cancel';
    this.reason = reason;
  }

  /** The campaign had ended before this run began: what was said to it meanwhile is refused, and so is what comes. */
  endedBefore(): void {
    this.hasEnded = true;
    this.word = 'go';
    this.reason = undefined;
  }

  /**
   * Waits while the dispatch is paused, and until dispatchers and the books have been told what a person said: no step
   * may come before that, and end the campaign as if nothing had been said.
   */
  async untilMayGoOn(): Promise<void> {
    await condition(() => this.word !== 'pause' && this.isSettled);
  }

  /** Once nothing is being told to dispatchers any more. */
  async settled(): Promise<void> {
    await condition(() => this.isSettled);
  }

  get isSettled(): boolean {
    return this.untold === 0;
  }

  /** A start that was paused did not come about. */
  async takeBackPause(): Promise<void> {
    await this.enforce(
      'go',
      undefined,
      async () => await step('CheckPreconditions', 'a Draft as before').backToDraft(this.dispatch.campaign),
    ).catch(notTold);
  }

  carry(): CarriedControl {
    return { word: this.word, reason: this.reason };
  }

  private whyNotPause(): string | undefined {
    if (this.hasEnded) return hasEndedAlready;
    if (this.word === 'pause') return 'it is paused already';
    if (this.word === 'cancel') return 'it was cancelled';
    return this.dispatch.isFinishing ? `nothing is left to pause: ${this.whatItIs()}` : undefined;
  }

  private whyNotResume(): string | undefined {
    if (this.hasEnded) return hasEndedAlready;
    if (this.word === 'cancel') return 'it was cancelled';
    return this.word === 'go' ? 'it is not paused' : undefined;
  }

  private whyNotCancel(): string | undefined {
    if (this.hasEnded) return hasEndedAlready;
    if (this.word === 'cancel') return 'it was cancelled already';
    if (this.dispatch.isFinishing && this.word === 'go')
      return `nothing is left to cancel: ${this.whatItIs()}`;
    if (!this.dispatch.isAllOut || (this.word === 'pause' && this.dispatch.canGiveUp)) return undefined;
    const resume = this.word === 'pause' ? ', and it is Sent once it is resumed' : '';
    return `nothing is left to cancel: all mail is out${resume}`;
  }

  private whatItIs(): string {
    return this.dispatch.isSent ? 'it is Sent' : 'it is finishing';
  }

  private async change(word: DispatchWord, asked: ControlRequest | null | undefined): Promise<ControlResult> {
    const request = requestOf(asked);
    if (word === 'cancel' && this.dispatch.isAllOut) return await this.giveUp(request);
    const reason = word === 'go' ? undefined : request.reason;
    return await this.enforce(word, reason, async () => await this.tell(word, request));
  }

  /** What a cancel is once all mail is out: nobody is left to be cancelled, only steps to be given up. */
  private async giveUp(request: ControlRequest): Promise<ControlResult> {
    const givenUp = this.dispatch.giveUpSteps();
    const reason = givenUp.reason.slice(0, longestText);
    const enforced = await this.enforce(
      'go',
      reason,
      async () =>
        await step('cancel').giveUpSteps({
          ...this.dispatch.campaign,
          step: givenUp.step,
          reason,
          by: request.by ?? 'unknown',
          why: request.reason,
        }),
    );
    return { ...enforced, stepsGivenUp: true };
  }

  private async enforce(
    word: DispatchWord,
    reason: string | undefined,
    tell: () => Promise<void>,
  ): Promise<ControlResult> {
    // Also while the workflow is being cancelled: the dispatchers have to hear of it.
    return await CancellationScope.nonCancellable(async () => {
      this.word = word;
      this.reason = reason;
      this.dispatch.controlChanged();
      this.untold++;
      const told = this.telling.then(tell).finally(() => this.untold--);
      this.telling = told.catch(notTold);
      await told;
      if (word !== 'go') await condition(() => this.dispatch.isSilent || this.word !== word, silenceTimeout);
      return { accepted: true, silent: this.dispatch.isSilent };
    });
  }

  private async tell(word: DispatchWord, request: ControlRequest): Promise<void> {
    await condition(() => this.dispatch.hasPlan);
    if (this.hasEnded) refuseWith(hasEndedAlready);
    const about = { go: 'resume', pause: 'pause', cancel: 'cancel' }[word];
    await step(about).tellDispatchers({
      ...this.dispatch.campaign,
      word,
      by: request.by ?? 'unknown',
      why: request.reason,
    });
    this.told = word;
  }
}

function notTold(error: unknown): void {
  noteFailure('dispatchers could not be told', error);
}
