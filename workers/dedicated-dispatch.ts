import { connectWorker } from '../src/temporal/worker-connection.ts';
import { createDispatcher, type DispatcherOptions } from './dispatcher.ts';
import type { RoleContext, RunningRole } from './runtime.ts';
import { startTemporalRole } from './temporal-role.ts';
import { installTemporalLogging } from './temporal-worker.ts';

/** The role dedicated-dispatch: runs SendBatch for the campaigns of its pool, with its own mail server and Sleep. */
export async function startDedicatedDispatch(
  context: RoleContext,
  options: DispatcherOptions,
): Promise<RunningRole> {
  const { env, log } = context;
  installTemporalLogging(log);
  const dispatcher = await createDispatcher(context, options);
  const temporal = await connectWorker(env);
  return await startTemporalRole({
    connection: temporal.connection,
    workers: [{ ...temporal, ...dispatcher.workerOptions }],
    dispatcher,
    log,
    stop: context.stop,
  });
}
