import { sql } from 'drizzle-orm';
import { advisoryLocks } from '../db/advisory-locks.ts';
import type { Database, Queries } from '../db/connect.ts';

/** Tells a campaign's workflow to pause. @returns false where no workflow runs. @throws where Temporal cannot be asked now */
export type PauseItself = (campaignId: string, reason: string) => Promise<boolean>;

/**
 * Tells the workflows of campaigns that crossed a limit to pause, once for each crossing: what was told before, by a process that
 * was killed then, stands in the audit trail, as does that somebody has let the campaign go on since, who then has decided. Where Temporal is away, it is told later. One that cannot be told holds up no other.
 *
 * @throws the first error, when all were tried
 */
export async function tellCrossings(db: Database, pause: PauseItself): Promise<void> {
  const { rows } = await db.execute<{ id: string }>(sql`select id from campaign where rate_base ? 'pausing'`);
  const errors: unknown[] = [];
  for (const { id } of rows) {
    await db.transaction(async (tx) => await tell(tx, id, pause)).catch((error) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
}

async function tell(tx: Queries, id: string, pause: PauseItself): Promise<void> {
  const { rows } = await tx.execute<{ reason: string; isOver: boolean }>(sql`
    select c.rate_base->'pausing'->>'reason' as reason,
           c.state not in ('Queuing', 'Sending') or c.sub_state in ('Paused', 'Cancelled')
             or exists (select from campaign_audit a
                         where a.campaign_id = c.id and a.at >= (c.rate_base->'pausing'->>'at')::timestamptz
                           and (a.actor = 'exm' and a.why = c.rate_base->'pausing'->>'reason'
                             or a.what = 'dispatch' and a."from" = 'pause' and a."to" = 'go')) as "isOver"
      from campaign c
     where c.id = ${id} and c.rate_base ? 'pausing'
       and pg_try_advisory_xact_lock(${advisoryLocks.crossings}, c.number)`);
  const [row] = rows;
  if (row === undefined) return;
  if (!row.isOver) await pause(id, row.reason);
  await tx.execute(sql`
    update campaign set rate_base = rate_base - 'pausing'
     where id = ${id} and rate_base->'pausing'->>'reason' = ${row.reason}`);
}
