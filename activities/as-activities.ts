import { ApplicationFailure, CompleteAsyncError, Context } from '@temporalio/activity';
import { CancelledFailure, TemporalFailure } from '@temporalio/common';
import { storageRefused } from '../src/db/storage-refused.ts';
import { isTransient } from '../src/db/transient.ts';
import { messageOf, withoutAddresses } from '../src/domain/error-message.ts';
import { ExmError } from '../src/domain/errors.ts';

/** How often an activity that takes its time tells Temporal that it lives. */
const heartbeatIntervalMs = 3_000;
/** An error of a kind that is not known is tried so often before the campaign is held with it. */
const attemptsBeforeHold = 5;
/** A database that has no room is given this many attempts: another query's temporary files may have filled its disk. */
const attemptsBeforeFull = 3;

type Activities = Record<string, (...args: never[]) => Promise<unknown>>;

/**
 * Prepares functions to be activities: each heartbeats while it runs, and what it throws becomes a failure that
 * Temporal retries or not by the error's class. No personal data gets into a history by way of a message.
 */
export function asActivities<T extends Activities>(activities: T, holdAfter = attemptsBeforeHold): T {
  const prepared = Object.entries(activities).map(
    ([name, run]) => [name, withHeartbeat(run, holdAfter)] as const,
  );
  return Object.fromEntries(prepared) as T;
}

function withHeartbeat(run: (...args: never[]) => Promise<unknown>, holdAfter: number) {
  return async (...args: never[]): Promise<unknown> => {
    const context = Context.current();
    const timer = setInterval(() => context.heartbeat(), heartbeatIntervalMs);
    try {
      return await run(...args);
    } catch (error) {
      throw asFailure(error, holdAfter);
    } finally {
      clearInterval(timer);
    }
  };
}

/** The failure that Temporal is given for an error. */
export function asFailure(error: unknown, holdAfter = attemptsBeforeHold): unknown {
  if (
    error instanceof TemporalFailure ||
    error instanceof CancelledFailure ||
    error instanceof CompleteAsyncError
  )
    return error;
  if (error instanceof ExmError) return exmFailure(error, error.retryable);
  const { attempt } = Context.current().info;
  const refused = storageRefused(error);
  // Only a person can make room: the campaign is held with the reason. What may not be given up is tried on.
  if (refused !== undefined)
    return exmFailure(refused, holdAfter === Number.POSITIVE_INFINITY || attempt < attemptsBeforeFull);
  // A bug throws each time; what passes by itself is known. Others are tried a few times, and then a person is asked.
  const isBug = !isTransient(error) && attempt >= holdAfter;
  const type = error instanceof Error ? error.name : 'Error';
  return ApplicationFailure.create({ message: messageOf(error), type, nonRetryable: isBug });
}

function exmFailure({ message, field, hint, code }: ExmError, retryable: boolean): ApplicationFailure {
  const where = field === undefined ? '' : ` [${field}]`;
  const todo = hint === undefined ? '' : ` ${hint}`;
  return ApplicationFailure.create({
    message: withoutAddresses(`${message}${where}${todo}`),
    type: code,
    nonRetryable: !retryable,
  });
}
