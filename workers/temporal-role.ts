import type { NativeConnection, WorkerOptions } from '@temporalio/worker';
import { messageOf } from '../src/domain/error-message.ts';
import { FailedError } from '../src/domain/errors.ts';
import { drainMaximumMs, reportMaximumMs } from '../src/domain/stop-times.ts';
import type { Logger } from '../src/logging.ts';
import type { Dispatcher } from './dispatcher.ts';
import { endsWithin } from './ends-within.ts';
import type { RunningRole } from './runtime.ts';
import { flushTemporalLogging, WorkerGroup } from './temporal-worker.ts';
import { type Activities, WorkInHand } from './work-in-hand.ts';

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
  const work = new WorkInHand();
  const workers = parts.workers.map((options) => ({
    ...options,
    activities: work.counted(options.activities as Activities),
  }));
  let group: WorkerGroup;
  try {
    group = await WorkerGroup.start(workers, stop);
  } catch (error) {
    dispatcher?.close();
    await closeConnection(connection, log);
    throw error;
  }
  dispatcher?.started();
  const done = endInOrder({ group, work, dispatcher, log }).finally(async () => {
    flushTemporalLogging();
    await closeConnection(connection, log);
  });
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

export interface Ending {
  readonly group: Pick<WorkerGroup, 'ending' | 'done'>;
  /** The batches, tests and steps that the workers are at. */
  readonly work: Pick<WorkInHand, 'ends' | 'unfinished'>;
  readonly dispatcher: Pick<Dispatcher, 'drain' | 'close'> | undefined;
  readonly log: Logger;
}

/**
 * Waits for the end of the workers. However it comes about, batches are told to stop, the messages on the wire are
 * answered and recorded, and only then does recording stop: an outcome that is lost is a message that is sent twice. A
 * step of the pipeline is finished too, for it may be one that is not to be done twice.
 *
 * @throws what a worker died of
 * @throws FailedError STOP_INCOMPLETE where something was unfinished when patience ended
 */
export async function endInOrder(
  { group, work, dispatcher, log }: Ending,
  patience = { drainMs: drainMaximumMs, reportMs: reportMaximumMs },
): Promise<void> {
  await group.ending;
  dispatcher?.drain();
  const telling = setInterval(() => {
    const { unfinished } = work;
    if (unfinished > 0) log.info({ unfinished }, 'still waiting for what is begun: a message, or a step');
    else log.info('still waiting for Temporal to take the last results');
  }, tellIntervalMs);
  const idle = await work.ends(patience.drainMs);
  const ended = await endsWithin(group.done, idle ? patience.reportMs : 0);
  clearInterval(telling);
  // Also those that were on their way here when the workers stopped: a batch among them was told to stop at once.
  const { unfinished } = work;
  dispatcher?.close();
  if (ended) await group.done;
  if (ended && unfinished === 0) return;
  throw new FailedError(
    'STOP_INCOMPLETE',
    unfinished === 0
      ? 'The worker stopped before Temporal had taken its last results.'
      : `The worker stopped while ${unfinished} of its batches, tests and steps were unfinished: whoever a batch was at may get the message again.`,
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
