import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';

/**
 * Numbers of the batches that a dispatcher has taken and not ended. One that died is counted for five minutes in which
 * it may only have been cut off; one that was started again, for as long as it may take to enter what it had sent.
 */
export async function takenBatches(db: Queries, campaignId: string): Promise<number[]> {
  const { rows } = await db.execute<{ batch: number }>(sql`
    select b.batch from dispatch_batch b left join server s on s.name = b.server
     where b.campaign_id = ${campaignId} and b.ended_at is null
       and case when s.name is null then b.leased_at > now() - interval '5 minutes'
                when s.started_at > b.leased_at then s.started_at > now() - interval '30 seconds'
                else s.stopped_at is null and s.seen_at > now() - interval '5 minutes' end
     order by b.batch`);
  return rows.map(({ batch }) => batch);
}

/** A dispatcher hears within this time that its batch was ended from outside, milliseconds (heartbeats come every 3 s). */
const endingTimeoutMs = 12_000;

/** Waits for batches that an earlier run left open to be handed back; those of dead dispatchers are not waited for long. */
export async function untilBatchesEnded(db: Queries, campaignId: string): Promise<void> {
  const until = performance.now() + endingTimeoutMs;
  while ((await takenBatches(db, campaignId)).length > 0 && performance.now() < until) await delay(250);
}
