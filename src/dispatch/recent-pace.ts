import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import type { LiveDispatcher } from './dispatchers.ts';

/** Campaigns that began to be sent last, among whose batches is looked. */
const campaigns = 20;
/** As many of each dispatcher's last batches count. */
const batches = 8;
/** Fewer recipients than these, in all of them, say nothing of how fast a dispatcher is. */
const minimumRecipients = 100;

/**
 * Recipients a second that the slowest of these dispatchers sends to, by its last batches since it was started, of any
 * campaign that was not emulated, and not faster than its Sleep lets it be now. Rather less: a batch waits for the end of the one before it.
 *
 * @returns undefined where one of them has sent none yet
 */
export async function recentPace(
  db: Queries,
  dispatchers: readonly LiveDispatcher[],
): Promise<number | undefined> {
  if (dispatchers.length === 0) return undefined;
  const { rows } = await db.execute<{ pace: number }>(sql`
    with recent as (
      select campaign_id from campaign_audit join campaign on campaign.id = campaign_id
       where what = 'state' and "to" = 'Sending' and campaign.definition->'emulation' is null
       order by campaign_audit.id desc limit ${campaigns}
    ), ended as (
      select server.name, server.threads, server.sleep_ms, sent + failed as recipients,
             extract(epoch from ended_at - leased_at)::float8 as seconds,
             row_number() over (partition by server.name order by ended_at desc) as nth
        from dispatch_batch join server on server.name = dispatch_batch.server
       where campaign_id in (select campaign_id from recent)
         and server.name in (${sql.join(
           dispatchers.map(({ name }) => sql`${name}`),
           sql`, `,
         )})
         -- What an earlier attempt sent took time that does not stand there.
         and lease = 1
         and leased_at >= server.started_at
         and ended_at > leased_at
    )
    select least(sum(recipients) / sum(seconds), max(threads * 1000.0 / nullif(sleep_ms, 0)))::float8 as pace
      from ended where nth <= ${batches} group by name
    having sum(recipients) >= ${minimumRecipients}`);
  return rows.length < dispatchers.length ? undefined : Math.min(...rows.map(({ pace }) => pace));
}
