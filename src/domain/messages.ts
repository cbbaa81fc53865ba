import type { QueryDefinition, SignalDefinition, UpdateDefinition } from '@temporalio/common';
import type { Capacity, DispatchStatus } from './dispatch.ts';

/**
 * Signals, updates and queries of the workflow DispatchNewsletter, typed. The names are plain words, so that
 * Temporal's own command line can send them too.
 */
const signal = <Args extends unknown[]>(name: string) => ({ type: 'signal', name }) as SignalDefinition<Args>;
const update = <Result, Args extends unknown[]>(name: string) =>
  ({ type: 'update', name }) as UpdateDefinition<Result, Args>;
const query = <Result>(name: string) => ({ type: 'query', name }) as QueryDefinition<Result>;

/** Who asks for a change, and why: both stand in the audit trail. */
export interface ControlRequest {
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

export interface ControlResult {
  readonly accepted: true;
  /** True where no dispatcher is working on the campaign any more. */
  readonly silent: boolean;
  /** True of a cancel that came when all mail was out: what is given up is the steps that were left. */
  readonly stepsGivenUp?: true;
}

/** Chooses the winner of an A/B test. */
export interface WinnerRequest extends ControlRequest {
  /** A to E. */
  readonly variant: string;
}

/** Moves the time at which the clock chooses the winner: to an instant, ISO 8601 with its zone, or to one from now. */
export interface MoveRequest extends ControlRequest {
  readonly at?: string | undefined;
  readonly inMs?: number | undefined;
}

export interface WinnerResult {
  readonly accepted: true;
  readonly winner: string;
}

export interface MoveResult {
  readonly accepted: true;
  /** ISO 8601 */
  readonly dueAt: string;
}

/** Refused, or not: the answer of the update `preconditions`. */
export interface PreconditionsResult {
  readonly failures: readonly PreconditionFailure[];
  /** What does not hinder the start but will hinder the sending: no dispatcher alive, say. */
  readonly warnings: readonly PreconditionFailure[];
}

/** One condition that is not met. */
export interface PreconditionFailure {
  /** Stable name: `sender`, `lists`, `dispatcher`, ... */
  readonly condition: string;
  readonly message: string;
}

/** Answers once CheckPreconditions has run: with every condition that is not met, or none. */
export const preconditionsUpdate = update<PreconditionsResult, []>('preconditions');

/** Each is accepted, or refused with the reason. Answers when the change is in force. */
export const pauseUpdate = update<ControlResult, [ControlRequest]>('pause');
export const resumeUpdate = update<ControlResult, [ControlRequest]>('resume');
export const cancelUpdate = update<ControlResult, [ControlRequest]>('cancel');

/** The same without an answer: durable even while no worker is alive; ignored where they would be refused. */
export const pauseSignal = signal<[ControlRequest]>('pause');
export const resumeSignal = signal<[ControlRequest]>('resume');
export const cancelSignal = signal<[ControlRequest]>('cancel');

/** Accepted until the winner of the A/B test is chosen, or refused with the reason. */
export const chooseWinnerUpdate = update<WinnerResult, [WinnerRequest]>('chooseWinner');
export const moveDecisionUpdate = update<MoveResult, [MoveRequest]>('moveDecision');
export const chooseWinnerSignal = signal<[WinnerRequest]>('chooseWinner');
export const moveDecisionSignal = signal<[MoveRequest]>('moveDecision');

/** A dispatcher came: what all living ones can do together. */
export const dispatchersChangedSignal = signal<[Capacity]>('dispatchersChanged');

export const statusQuery = query<DispatchStatus>('status');
