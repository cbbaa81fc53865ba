import { sql } from 'drizzle-orm';
import type { Database } from '../../db/connect.ts';
import { leaveAnnouncedInDoubt } from './leave-in-doubt.ts';

/**
 * Enters every recipient without an outcome as cancelled. First takes all batches from whoever still holds them, so
 * that nothing is written by a dispatcher that has not heard of the cancellation. Whoever was about to be sent to by one
 * that is gone, where nobody may be mailed twice, is in doubt instead.
 */
export async function cancelRemaining(db: Database, campaignId: string): Promise<void> {
  await db.transaction(async (tx) => {
    // Whoever takes a batch after this hears it.
    await tx.execute(sql`update campaign set word = 'cancel' where id = ${campaignId}`);
    await leaveAnnouncedInDoubt(tx, campaignId, { first: 1, last: 2 ** 31 - 1 });
    await tx.execute(sql`
      update dispatch_batch set ended_at = now()
       where campaign_id = ${campaignId} and ended_at is null`);
    await tx.execute(sql`
      insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, reason, at)
      select q.campaign_id, q.position, q.contact_id, 0, '', 'cancelled', 'the campaign was cancelled', now()
        from dispatch_queue q where q.campaign_id = ${campaignId}
      on conflict do nothing`);
  });
}
