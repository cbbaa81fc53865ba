import { sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import type { PositionRange } from '../../domain/batch-plan.ts';

/** Why somebody is in doubt, for people. */
export const doubtReasons = {
  holderGone: 'its dispatcher ended, or lost the batch, when the message may have been on its way',
  begun: 'its dispatcher was killed while the message was on its way',
  noAnswer: 'the connection broke after the message was handed over, before an answer came',
} as const;

/**
 * Settles the groups that batches within these positions had announced and did not come to the end of: whoever of them
 * has no outcome, and was not put off since, is in doubt. For campaigns that mail nobody twice; others announce nothing.
 *
 * All batches that are open there are locked first, in the order in which flushes lock them: what their holders record
 * until then counts, and what comes later is refused where the caller takes or ends them in the same transaction.
 *
 * @param own a batch that the caller will write to: locked with them, in its place
 */
export async function leaveAnnouncedInDoubt(
  tx: Queries,
  campaignId: string,
  { first, last }: PositionRange,
  own?: number,
): Promise<void> {
  const { rows } = await tx.execute<{ batch: number; isAnnounced: boolean }>(sql`
    select batch, announced_first <= ${last} and announced_last >= ${first} as "isAnnounced"
      from dispatch_batch
     where campaign_id = ${campaignId}
       and (batch = ${own ?? null}::int
            or first <= ${last} and last >= ${first} and (ended_at is null or announced_first is not null))
     order by batch for update`);
  for (const { batch, isAnnounced } of rows) {
    if (!isAnnounced) continue;
    await tx.execute(sql`
      with doubted as (
        insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, reason, at)
        select q.campaign_id, q.position, q.contact_id, b.batch, b.server, 'in_doubt', ${doubtReasons.holderGone}, now()
          from dispatch_batch b
          join dispatch_queue q on q.campaign_id = b.campaign_id
                               and q.position between b.announced_first and b.announced_last
          left join dispatch_deferral d on d.campaign_id = q.campaign_id and d.position = q.position
         where b.campaign_id = ${campaignId} and b.batch = ${batch}
           and (d.due_at is null or d.due_at <= b.announced_at)
        on conflict do nothing
        returning position
      )
      update dispatch_batch
         set announced_first = null, announced_last = null, announced_at = null,
             in_doubt = in_doubt + (select count(*) from doubted)::int
       where campaign_id = ${campaignId} and batch = ${batch}`);
  }
}
