import { ApplicationFailure, ContinueAsNew, sleep } from '@temporalio/workflow';
import type { DispatchControl } from './dispatch-control.ts';
import { describeFailure, preconditionsFailed, tolerating } from './failures.ts';
import { step } from './primary-steps.ts';

/** Steps that a dispatch still goes through when it was cancelled, or when the steps after MoveToSent were given up. */
const stepsAfterCancel = new Set([
  'WaitForDispatchToFinish',
  'MoveToSent',
  'NotifyDispatchFinished',
  'FinalizeDispatch',
]);

/** Pause before a last step of a cancelled dispatch is tried again, milliseconds: it doubles each time up to the longest. */
const firstRetryMs = 10_000;
const longestRetryMs = 600_000;

export interface DispatchInSteps {
  readonly campaign: { readonly campaignId: string };
  /** The steps in their order; undefined before the plan has been read. */
  readonly stepNames: readonly string[] | undefined;
  readonly control: DispatchControl;
  readonly isCancelled: boolean;
  /** True once nobody is without an outcome. */
  readonly isAllOut: boolean;
  /** What is to be shown of it, `trouble` included. */
  readonly reason: string | undefined;
  /** Once nothing that a person said is on its way any more. */
  settled(): Promise<void>;
  /** Whoever waits for the conditions to be checked must hear that they never will be. */
  leftOut(): void;
  stepFailed(name: string): void;
  troubleChanged(): void;
}

/** The pipeline's steps, one after the other: which of them is being done, and what becomes of one that fails. */
export class PipelineSteps {
  /** Why the end of a cancelled dispatch keeps it waiting. */
  trouble: string | undefined;
  /** How the step that is being done failed last, for the one who decides about it. */
  private lastFailure: string | undefined;
  /** Steps that were held when a person gave up what was left once all mail was out. */
  private readonly givenUp = new Set<string>();

  /** @param current which step is being done, counted from 0 */
  constructor(
    private readonly dispatch: DispatchInSteps,
    private current = 0,
  ) {}

  /** The step that is being done: Initialization before the first, None after the last. */
  get currentName(): string {
    const { stepNames } = this.dispatch;
    return stepNames === undefined ? 'Initialization' : (stepNames[this.current] ?? 'None');
  }

  get canGiveUp(): boolean {
    return this.currentName !== 'MoveToSent';
  }

  /** Performs them in order. One that fails for good holds the campaign until a person resumes it. */
  async performAll(perform: (name: string) => Promise<void>): Promise<void> {
    const { stepNames = [] } = this.dispatch;
    for (; this.current < stepNames.length; this.current++) {
      const name = stepNames[this.current] ?? '';
      await this.performOne(name, perform);
    }
  }

  giveUp(): { readonly step: string; readonly reason: string } {
    const name = this.currentName;
    this.givenUp.add(name);
    const reason =
      this.lastFailure === undefined
        ? 'the steps that were left when all mail was out were given up'
        : `the step ${name} failed and was given up: ${this.lastFailure}`;
    return { step: name, reason };
  }

  carry(): number {
    return this.current;
  }

  private async performOne(name: string, perform: (name: string) => Promise<void>): Promise<void> {
    const { control } = this.dispatch;
    this.lastFailure = undefined;
    for (let tries = 0; ; tries++) {
      // Whoever starts a campaign that is paused at once is told its conditions all the same.
      if (tries > 0 || name !== 'CheckPreconditions') await control.untilMayGoOn();
      if ((this.dispatch.isCancelled || this.givenUp.size > 0) && !stepsAfterCancel.has(name)) {
        this.dispatch.leftOut();
        return;
      }
      try {
        await perform(name);
        await this.explain(undefined);
        return;
      } catch (error) {
        if (error instanceof ContinueAsNew) throw error;
        if (error instanceof ApplicationFailure && error.type === preconditionsFailed) {
          await this.didNotStart();
          if (!this.dispatch.isCancelled) throw error;
          continue;
        }
        this.lastFailure = describeFailure(error);
        // It was tried once more after it had been given up: what is left undone is shown with the campaign.
        if (this.givenUp.has(name)) return;
        this.dispatch.stepFailed(name);
        await control.hold(
          this.dispatch.isAllOut
            ? `all mail is out, but the step ${name} failed: ${this.lastFailure}`
            : `${name}: ${this.lastFailure}`,
        );
        // A cancelled dispatch cannot be held; its last steps are tried again until they succeed.
        if (this.dispatch.isCancelled && stepsAfterCancel.has(name)) {
          await this.explain(`the step ${name} failed and is tried again: ${this.lastFailure}`);
          await sleep(Math.min(firstRetryMs * 2 ** Math.min(tries, 10), longestRetryMs));
        }
      }
    }
  }

  /** A start whose conditions are not met: what a person said of it meanwhile is not left behind. */
  private async didNotStart(): Promise<void> {
    const { control } = this.dispatch;
    for (;;) {
      await this.dispatch.settled();
      if (control.word !== 'pause') return;
      await control.takeBackPause();
    }
  }

  /** Shows what keeps the end of a cancelled dispatch waiting, or that nothing does any more. */
  private async explain(trouble: string | undefined): Promise<void> {
    if (this.trouble === trouble) return;
    this.trouble = trouble;
    this.dispatch.troubleChanged();
    await tolerating('showing what went wrong', async () => {
      const { campaign, reason } = this.dispatch;
      await step(this.currentName, 'say what is wrong').showReason({ ...campaign, reason });
    });
  }
}
