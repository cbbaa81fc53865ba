/**
 * What a failure that a Temporal client reports means to the caller. A program may have a copy of the SDK of its own,
 * so nothing here asks for a class: errors are told apart by name, which every copy gives them alike.
 */
import { isGrpcDeadlineError } from '@temporalio/client';
import { FailedError, InputError, RefusedError, UnavailableError } from '../domain/errors.ts';
import type { PreconditionFailure, PreconditionsResult } from '../domain/messages.ts';

/** gRPC's FAILED_PRECONDITION. */
const failedPrecondition = 9;

export function isNotFound(error: unknown): boolean {
  return isNamed(error, 'WorkflowNotFoundError');
}

export function isAlreadyStarted(error: unknown): boolean {
  return isNamed(error, 'WorkflowExecutionAlreadyStartedError');
}

/** Whether nobody answered in time: Temporal itself, or a worker behind it. */
export function isTimeout(error: unknown): boolean {
  return isNamed(error, 'WorkflowUpdateRPCTimeoutOrCancelledError') || isGrpcDeadlineError(error);
}

/**
 * Whether an update was lost because the workflow was just about to end, and heard something else in that moment: Temporal
 * refuses such an end, and with it what came along. The same update may be sent again.
 */
export function isInterrupted(error: unknown): boolean {
  if (!isNamed(error, 'ServiceError')) return false;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && cause.code === failedPrecondition;
}

export function notRunning(campaignId: string): RefusedError {
  return new RefusedError('CAMPAIGN_NOT_RUNNING', 'The campaign is not being dispatched.', {
    field: 'campaign id',
    value: campaignId,
    hint: `"exm campaign status ${campaignId}" shows its state.`,
  });
}

export function campaignRunning(campaignId: string): RefusedError {
  return new RefusedError('CAMPAIGN_RUNNING', 'The campaign is being dispatched already.', {
    field: 'campaign id',
    value: campaignId,
    hint: `"exm campaign status ${campaignId}" shows how far it is.`,
  });
}

export function preconditionsRefused(failures: readonly PreconditionFailure[]): RefusedError {
  const list = failures.map(({ condition, message }) => `\n  - ${condition}: ${message}`).join('');
  return new RefusedError('PRECONDITIONS_FAILED', `The campaign cannot start:${list}`, {
    hint: 'Mend these and start it again.',
  });
}

export function startNotConfirmed(campaignId: string, cause: unknown): UnavailableError {
  return new UnavailableError('START_NOT_CONFIRMED', 'Temporal did not confirm the start in time.', {
    field: 'campaign id',
    value: campaignId,
    hint: 'It may have been started all the same. Start it again: where it runs, that is refused.',
    cause,
  });
}

/** What an update or a signal that failed means. */
export function controlError(campaignId: string, error: unknown): unknown {
  if (isNotFound(error)) return notRunning(campaignId);
  if (!isNamed(error, 'WorkflowUpdateFailedError')) return error;
  const about = { field: 'campaign id', value: campaignId, cause: error };
  const { cause } = error;
  if (isNamed(cause, 'ApplicationFailure') && (cause as ApplicationFailureShape).type === 'REFUSED') {
    return new RefusedError('CONTROL_REFUSED', cause.message, about);
  }
  return new FailedError('CONTROL_FAILED', `The campaign was not changed: ${rootOf(error).message}`, {
    ...about,
    hint: `"exm campaign status ${campaignId}" shows what it is doing.`,
  });
}

/** Why a workflow ended without a result; undefined where it is nothing that a caller could act on. */
export function workflowFailure(error: unknown): unknown {
  const failure = isNamed(error, 'WorkflowFailedError') ? rootOf(error) : undefined;
  if (!isNamed(failure, 'ApplicationFailure')) return undefined;
  const { type, details } = failure as ApplicationFailureShape;
  const [result] = (details ?? []) as [PreconditionsResult?];
  if (result?.failures !== undefined) return preconditionsRefused(result.failures);
  if (type === 'CAMPAIGN_UNKNOWN') return new InputError('CAMPAIGN_UNKNOWN', failure.message);
  return undefined;
}

export function testSendError(campaignId: string, error: unknown): unknown {
  if (!isNamed(error, 'WorkflowFailedError')) return error;
  return new FailedError('TEST_SEND_FAILED', `The test was not sent: ${rootOf(error).message}`, {
    field: 'campaign id',
    value: campaignId,
    hint: 'Is a dispatcher alive? "exm doctor" tells.',
    cause: error,
  });
}

interface ApplicationFailureShape extends Error {
  readonly type?: string | null;
  readonly details?: readonly unknown[] | null;
}

function isNamed(error: unknown, name: string): error is Error {
  return error instanceof Error && error.name === name;
}

function rootOf(error: Error): Error {
  let root = error;
  while (root.cause instanceof Error) root = root.cause;
  return root;
}
