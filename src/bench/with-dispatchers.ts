import { availableParallelism } from 'node:os';
import { addContacts, emptyDatabase, startDispatchers, startPrimary } from './campaign.ts';
import type { Senders } from './dispatch-figures.ts';
import type { BenchStage } from './stage.ts';

/** Of all dispatchers together, and of what they are compared with. */
export const connections = 20;

export interface DispatchersForCores extends Senders {
  readonly processes: number;
  /** Of each process. */
  readonly threads: number;
}

/**
 * Runs with so many people in an empty database, a primary, and a dispatcher for each core, two at least, and stops the
 * dispatchers. For the measurements whose figures are to be compared with each other.
 */
export async function withDispatchers<T>(
  stage: BenchStage,
  recipients: number,
  run: (senders: DispatchersForCores) => Promise<T>,
): Promise<T> {
  const db = await stage.database();
  await emptyDatabase(db);
  await addContacts(db, recipients);
  const primary = await startPrimary(stage);
  const processes = Math.max(2, availableParallelism());
  const threads = Math.ceil(connections / processes);
  const dispatchers = await startDispatchers(stage, processes, { threads });
  try {
    return await run({ primary, dispatchers, processes, threads });
  } finally {
    await Promise.all(dispatchers.map(async (dispatcher) => await dispatcher.stop()));
  }
}
