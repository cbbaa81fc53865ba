import { condition } from '@temporalio/workflow';
import type { CarriedState, RemainingRecipients } from '../src/domain/dispatch.ts';
import type { DispatchControl } from './dispatch-control.ts';

export interface DispatchInRounds {
  readonly control: DispatchControl;
  readonly isCancelled: boolean;
}

/** The rounds in which those are sent to who have no outcome when all batches have ended. */
export class Rounds {
  constructor(
    private readonly dispatch: DispatchInRounds,
    private last: CarriedState['lastRound'],
  ) {}

  /**
   * Waits until the next recipient is due, or `wakes` holds, without an end where nobody is. Recipients for whom a whole
   * round did nothing, neither gave them an outcome nor put them off, would be tried for ever: that is held instead.
   */
  async untilDue(
    { remaining, attempts, backlog, dueInMs }: RemainingRecipients,
    wakes?: () => boolean,
  ): Promise<void> {
    const { control } = this.dispatch;
    const before = this.last;
    this.last = { remaining, attempts };
    if (backlog.length === 0) {
      const isOver = () => this.dispatch.isCancelled || wakes?.() === true;
      if (dueInMs !== undefined) await condition(isOver, Math.max(1, dueInMs));
      else if (wakes !== undefined) await condition(isOver);
      this.last = undefined;
      return;
    }
    if (before?.remaining === remaining && before.attempts === attempts) {
      await control.hold(`${remaining} recipients got no outcome in a whole round`);
      await control.untilMayGoOn();
    }
  }

  /** What was tried before says nothing about what is tried now. */
  forget(): void {
    this.last = undefined;
  }

  carry(): CarriedState['lastRound'] {
    return this.last;
  }
}
