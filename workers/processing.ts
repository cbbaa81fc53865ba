import { setTimeout as pause } from 'node:timers/promises';
import { type Client, WorkflowIdConflictPolicy } from '@temporalio/client';
import type { WorkerOptions } from '@temporalio/worker';
import { createProcessingActivities, type ProcessingDependencies } from '../activities/process-events.ts';
import { loadExmConfig } from '../src/config/load-exm-config.ts';
import { messageOf } from '../src/domain/error-message.ts';
import { processingWorkflowId, taskQueues } from '../src/domain/names.ts';
import { processorsChangedSignal } from '../src/domain/processing.ts';
import { ConfirmationStarter } from '../src/processing/confirmation-starter.ts';
import { connectClient } from '../src/temporal/client-connection.ts';
import { pauseBySignal } from '../src/temporal/pause-by-signal.ts';
import { startConfirmation } from '../src/temporal/start-confirmation.ts';
import { connectWorker } from '../src/temporal/worker-connection.ts';
import { workflowBundle } from '../src/temporal/workflow-bundle.ts';
import type { ProcessEvents } from '../workflows/process-events.ts';
import { endsWithin } from './ends-within.ts';
import { type ReceivingOptions, startReceiving } from './receiving.ts';
import type { RoleContext, RunningRole } from './runtime.ts';
import { flushTemporalLogging, installTemporalLogging, WorkerGroup } from './temporal-worker.ts';

export type ProcessingOptions = Omit<ProcessingDependencies, 'db' | 'feedback' | 'settings' | 'pauseItself'> &
  ReceivingOptions;

/** How often a processor makes sure that the workflow is there: somebody may have ended it by hand. Milliseconds. */
const ensureIntervalMs = 60_000;
const retryIntervalMs = 2_000;
/** A stop waits so long for the database to take the events that are being processed. Milliseconds. */
const transactionMaximumMs = 30_000;

/**
 * The processing role: a worker that turns events into interactions and aggregates, reads what came back by mail, and starts
 * the workflow that keeps all such workers busy where it does not run yet.
 *
 * @throws UnavailableError where Temporal does not answer; InputError as `startReceiving`
 */
export async function startProcessing(
  context: RoleContext,
  options: ProcessingOptions = {},
): Promise<RunningRole> {
  const { env, db, name, settings, log, stop } = context;
  installTemporalLogging(log);
  const { receive, maildir, ...processing } = options;
  const config = await loadExmConfig(settings.configFile, process.cwd());
  const taskQueue = taskQueues(settings.queuePrefix).processing;
  const { connection, namespace } = await connectWorker(env);
  const client = await connectClient(env);
  const start = async (requestId: string) => await startConfirmation(client, settings.queuePrefix, requestId);
  const worker: WorkerOptions = {
    connection,
    namespace,
    taskQueue,
    identity: `${name}@processing`,
    workflowBundle: workflowBundle(),
    activities: createProcessingActivities({
      ...processing,
      db,
      feedback: settings,
      confirmations: new ConfirmationStarter(db, start, log),
      settings: config.settings,
      pauseItself: pauseBySignal(client),
    }),
    // One shift a worker, so that shifts are spread over the workers. Those of workers that are gone wait.
    maxConcurrentActivityTaskExecutions: 1,
    maxCachedWorkflows: 10,
  };
  const receiving = await startReceiving(context, { receive, maildir });
  const workers = await WorkerGroup.start([worker], stop);
  const stopping = new AbortController();
  const keeping = keepWorkflow(context, client, taskQueue, stopping.signal);
  return {
    address: receiving.address,
    done: workers.done,
    async stop() {
      stopping.abort();
      const received = receiving.stop();
      workers.shutdown();
      // A request that Temporal does not answer ends with its connection.
      const closed = client.connection.close();
      if (!(await endsWithin(workers.done, transactionMaximumMs))) {
        // PostgreSQL takes back what was not committed, and the events wait for the next shift.
        log.warn('stopped in the middle of the work: the database, or Temporal, did not answer');
        return;
      }
      await workers.done;
      flushTemporalLogging();
      await Promise.all([keeping, closed, received]);
      await connection.close();
    },
  };
}

/** Announces this worker to the workflow ProcessEvents, and starts that one whenever it is not there. */
async function keepWorkflow(
  { log, settings }: RoleContext,
  client: Client,
  taskQueue: string,
  stop: AbortSignal,
): Promise<void> {
  const workflow = { workflowId: processingWorkflowId(settings.queuePrefix), taskQueue };
  let announced = false;
  while (!stop.aborted) {
    try {
      await client.withAbortSignal(stop, async () => {
        if (announced) {
          const workflowIdConflictPolicy = WorkflowIdConflictPolicy.USE_EXISTING;
          await client.workflow.start<typeof ProcessEvents>('ProcessEvents', {
            ...workflow,
            workflowIdConflictPolicy,
          });
        } else {
          await client.workflow.signalWithStart<typeof ProcessEvents, []>('ProcessEvents', {
            ...workflow,
            signal: processorsChangedSignal,
          });
          announced = true;
        }
      });
    } catch (error) {
      if (stop.aborted) return;
      log.warn({ err: messageOf(error) }, 'the workflow ProcessEvents could not be started; trying again');
    }
    await pause(announced ? ensureIntervalMs : retryIntervalMs, undefined, { signal: stop }).catch(
      () => undefined,
    );
  }
}
