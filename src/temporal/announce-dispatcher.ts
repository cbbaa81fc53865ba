import { sql } from 'drizzle-orm';
import type { Environment } from '../config/environment.ts';
import type { Database } from '../db/connect.ts';
import { capacityOf, liveDispatchers } from '../dispatch/dispatchers.ts';
import { messageOf } from '../domain/error-message.ts';
import { dispatchersChangedSignal } from '../domain/messages.ts';
import { campaignWorkflowId } from '../domain/names.ts';
import type { Logger } from '../logging.ts';
import { connectClient } from './client-connection.ts';

/** How long campaigns may take to be told, milliseconds. */
const deadlineMs = 30_000;

/**
 * Tells the campaigns that are sending what their pool can do now, so that their window grows with a new
 * dispatcher at once. A campaign that cannot be told hears it with its next batch. Never rejects.
 */
export async function announceDispatcher(
  db: Database,
  env: Environment,
  pool: string,
  log: Logger,
): Promise<void> {
  try {
    const { rows } = await db.execute<{ id: string }>(sql`
      select id from campaign where state = 'Sending' and coalesce(definition->>'pool', 'default') = ${pool}`);
    if (rows.length === 0) return;
    const dispatchers = await liveDispatchers(db, pool);
    const client = await connectClient(env);
    try {
      await client.withDeadline(Date.now() + deadlineMs, async () => {
        const told = rows.map(async ({ id }) => {
          const campaign = client.workflow.getHandle(campaignWorkflowId(id));
          await campaign.signal(dispatchersChangedSignal, capacityOf(dispatchers, id));
        });
        await Promise.allSettled(told);
      });
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    log.warn({ err: messageOf(error) }, 'running campaigns could not be told of this dispatcher');
  }
}
