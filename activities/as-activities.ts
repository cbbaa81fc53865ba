import { ApplicationFailure, CompleteAsyncError, Context } from '@temporalio/activity';
import { CancelledFailure, TemporalFailure } from '@temporalio/common';
import { ExmError } from '../src/domain/errors.ts';

/** How often an activity that takes its time tells Temporal that it lives. */
const heartbeatIntervalMs = 3_000;

type Activities = Record<string, (...args: never[]) => Promise<unknown>>;

/**
 * Prepares functions to be activities: each heartbeats while it runs, and what it throws becomes a failure that
 * Temporal retries or not by the error's class. No personal data gets into a history by way of a message.
 */
export function asActivities<T extends Activities>(activities: T): T {
  const prepared = Object.entries(activities).map(([name, run]) => [name, withHeartbeat(run)] as const);
  return Object.fromEntries(prepared) as T;
}

function withHeartbeat(run: (...args: never[]) => Promise<unknown>) {
  return async (...args: never[]): Promise<unknown> => {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), heartbeatIntervalMs);
    try {
      return await run(...args);
    } catch (error) {
      throw asFailure(error);
    } finally {
      clearInterval(timer);
    }
  };
}

/** The failure that Temporal is given for an error. */
export function asFailure(error: unknown): unknown {
  if (
    error instanceof TemporalFailure ||
    error instanceof CancelledFailure ||
    error instanceof CompleteAsyncError
  )
    return error;
  if (error instanceof ExmError) {
    const where = error.field === undefined ? '' : ` [${error.field}]`;
    const hint = error.hint === undefined ? '' : ` ${error.hint}`;
    return ApplicationFailure.create({
      message: withoutAddresses(`${error.message}${where}${hint}`),
      type: error.code,
      nonRetryable: !error.retryable,
    });
  }
  const message = error instanceof Error ? error.message : String(error);
  const type = error instanceof Error ? error.name : 'Error';
  return ApplicationFailure.create({ message: withoutAddresses(message), type, nonRetryable: false });
}

/** A message as it may stand in a history: email addresses are masked. */
export function withoutAddresses(message: string): string {
  return message.replace(/[^\s<>"'(),;:]+@[^\s<>"'(),;:]+/g, '…@…');
}
