import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { messageOf } from '../src/domain/error-message.ts';
import { FailedError } from '../src/domain/errors.ts';
import { drainMaximumMs, reportMaximumMs } from '../src/domain/stop-times.ts';
import type { Logger } from '../src/logging.ts';
import type { Dispatcher } from './dispatcher.ts';
import { endsWithin } from './ends-within.ts';
import type { RunningRole } from './runtime.ts';
import { WorkerGroup } from './temporal-worker.ts';

/** How often an end that takes its time says what it waits for, milliseconds. */
const tellIntervalMs = 10_000;

export interface TemporalRoleParts {
  readonly connection: NativeConnection;
  readonly workers: readonly WorkerOptions[];
  /** Undefined where the role does not send. */
  readonly dispatcher: Dispatcher | undefined;
  readonly log: Logger;
  /** Aborted where a stop is asked for while the role starts. */
  readonly stop: AbortSignal;
}

/** Runs a role's workers and, with them, its dispatching part. @throws where a worker cannot be made; nothing runs then */
export async function startTemporalRole(parts: TemporalRoleParts): Promise<RunningRole> {
  const { connection, dispatcher, log, stop } = parts;
  let group: WorkerGroup;
  try {
    group = await WorkerGroup.start(parts.workers, stop);
  } catch (error) {
    dispatcher?.close();
    await closeConnection(connection, log);
    throw error;
  }
  dispatcher?.started();
  const done = endInOrder(group, dispatcher, log).finally(async () => await closeConnection(connection, log));
  done.catch(() => undefined);
  return {
    address: '',
    done,
    async stop() {
      dispatcher?.drain();
      group.shutdown();
      await done;
    },
  };
}

/**
 * Waits for the end of the workers. However it comes about, batches are told to stop, the messages on the wire are
 * answered and recorded, and only then does recording stop: an outcome that is lost is a message that is sent twice.
 *
 * @throws what a worker died of
 * @throws FailedError STOP_INCOMPLETE where batches were still open when patience ended
 */
export async function endInOrder(
  group: Pick<WorkerGroup, 'ending' | 'done'>,
  dispatcher: Pick<Dispatcher, 'drain' | 'idle' | 'unfinished' | 'close'> | undefined,
  log: Logger,
  patience = { drainMs: drainMaximumMs, reportMs: reportMaximumMs },
): Promise<void> {
  if (dispatcher === undefined) return await group.done;
  await group.ending;
  dispatcher.drain();
  const telling = setInterval(() => {
    const { unfinished } = dispatcher;
    if (unfinished > 0) log.info({ unfinished }, 'still waiting for the mail server to answer');
    else log.info('still waiting for Temporal to take the last results');
  }, tellIntervalMs);
  let idle = await dispatcher.idle(patience.drainMs);
  const ended = await endsWithin(group.done, idle ? patience.reportMs : 0);
  clearInterval(telling);
  // A batch that was on its way here when the workers stopped was told to stop at once.
  if (idle) idle = await dispatcher.idle(0);
  const { unfinished } = dispatcher;
  dispatcher.close();
  if (!idle) log.error({ unfinished }, 'stopped although the mail server still owes answers');
  if (ended) await group.done;
  if (ended && idle) return;
  throw new FailedError(
    'STOP_INCOMPLETE',
    idle
      ? 'The dispatcher stopped before Temporal had taken the results of its last batches.'
      : `The dispatcher stopped while ${unfinished} of its batches and tests were unfinished: whoever they were at may get the message again.`,
    { hint: 'Look at the mail server and at steps of your own: one of them did not answer for minutes.' },
  );
}

/** It refuses to be closed while a worker that died still holds it; that must not hide what the worker died of. */
async function closeConnection(connection: NativeConnection, log: Logger): Promise<void> {
  try {
    await connection.close();
  } catch (error) {
    log.warn({ err: messageOf(error) }, 'the connection to Temporal could not be closed');
  }
}
