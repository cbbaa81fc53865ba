import { connectWorker } from '../src/temporal/worker-connection.ts';
import { createDispatcher, type DispatcherOptions } from './dispatcher.ts';
import type { RoleContext, RunningRole } from './runtime.ts';
import { installTemporalLogging, WorkerGroup } from './temporal-worker.ts';

/** The role dedicated-dispatch: runs SendBatch for the campaigns of its pool, with its own mail server and Sleep. */
export async function startDedicatedDispatch(
  context: RoleContext,
  options: DispatcherOptions,
): Promise<RunningRole> {
  installTemporalLogging(context.log);
  const temporal = await connectWorker(context.env);
  const dispatcher = await createDispatcher(context, temporal, options);
  const group = await WorkerGroup.start([dispatcher.workerOptions]);
  await dispatcher.announce();
  const done = group.done.finally(async () => {
    dispatcher.close();
    await temporal.connection.close();
  });
  done.catch(() => undefined);
  return {
    address: '',
    done,
    async stop() {
      dispatcher.drain();
      await group.stop();
      await done;
    },
  };
}
