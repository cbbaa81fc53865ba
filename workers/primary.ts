import type { WorkerOptions } from '@temporalio/worker';
import { createCustomSteps, createPrimaryActivities } from '../activities/primary.ts';
import { loadExmConfig } from '../src/config/load-exm-config.ts';
import { taskQueues } from '../src/domain/names.ts';
import { ensureSearchAttributes } from '../src/temporal/search-attributes.ts';
import { connectWorker } from '../src/temporal/worker-connection.ts';
import { workflowBundle } from '../src/temporal/workflow-bundle.ts';
import { createDispatcher, type DispatcherOptions } from './dispatcher.ts';
import type { RoleContext, RunningRole } from './runtime.ts';
import { startTemporalRole } from './temporal-role.ts';
import { installTemporalLogging } from './temporal-worker.ts';

export interface PrimaryOptions {
  /** Whether the primary sends as well, and how; undefined leaves all sending to dedicated dispatchers. */
  readonly dispatch: DispatcherOptions | undefined;
}

/** The role primary: runs DispatchNewsletter and its steps, and sends as well unless told not to. */
export async function startPrimary(context: RoleContext, options: PrimaryOptions): Promise<RunningRole> {
  const { db, settings, env, log, name } = context;
  installTemporalLogging(log);
  const config = await loadExmConfig(settings.configFile, process.cwd());
  const dispatcher =
    options.dispatch === undefined ? undefined : await createDispatcher(context, options.dispatch);
  const temporal = await connectWorker(env);
  const searchAttributes = await ensureSearchAttributes(temporal.connection, temporal.namespace);
  if (!searchAttributes) log.warn('the namespace lacks the search attributes ExmState and ExmCampaignName');
  const queues = taskQueues(settings.queuePrefix);
  const orchestration: WorkerOptions = {
    ...temporal,
    taskQueue: queues.primary,
    identity: `${name}@primary`,
    workflowBundle: workflowBundle(),
    activities: {
      ...createPrimaryActivities({ db, settings, config, queues, searchAttributes }),
      ...createCustomSteps(config.steps),
    },
    maxCachedWorkflows: 200,
    // A step of one's own that looks whether it is cancelled hears so then; the others end by themselves: see endInOrder.
    shutdownGraceTime: '10s',
  };
  const dispatching = dispatcher === undefined ? [] : [{ ...temporal, ...dispatcher.workerOptions }];
  return await startTemporalRole({
    connection: temporal.connection,
    workers: [orchestration, ...dispatching],
    dispatcher,
    log,
    stop: context.stop,
  });
}
