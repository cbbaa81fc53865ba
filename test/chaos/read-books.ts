import { sql } from 'drizzle-orm';
import { campaignStatus } from '../../src/campaigns/campaign-status.ts';
import type { Database } from '../../src/db/connect.ts';
import { stateInWords } from '../../src/domain/campaign-state.ts';
import type { Books } from './oracle.ts';

/** The ledger of a campaign, recipient by recipient. */
export async function readBooks(db: Database, campaignId: string): Promise<Books> {
  const status = await campaignStatus(db, campaignId);
  const queue = await db.execute<Books['queue'][number] & Record<string, unknown>>(sql`
    select q.position, contact.email_key as address from dispatch_queue q join contact on contact.id = q.contact_id
     where q.campaign_id = ${campaignId} order by q.position`);
  const outcomes = await db.execute<Books['outcomes'][number] & Record<string, unknown>>(sql`
    select position, kind, message_id as "messageId" from dispatch_outcome where campaign_id = ${campaignId}
     order by position`);
  return {
    campaignId,
    state: stateInWords(status),
    totals: status.totals,
    queue: queue.rows,
    outcomes: outcomes.rows,
  };
}
