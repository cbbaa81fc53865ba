import { sql } from 'drizzle-orm';
import { campaignStatus } from '../../src/campaigns/campaign-status.ts';
import type { Database } from '../../src/db/connect.ts';
import { stateInWords } from '../../src/domain/campaign-state.ts';
import type { Books } from './oracle.ts';
import type { People } from './people.ts';

/** The ledger of a campaign, recipient by recipient, each by the address that they had at first. */
export async function readBooks(db: Database, campaignId: string, people: People): Promise<Books> {
  const status = await campaignStatus(db, campaignId);
  const queue = await db.execute<{ position: number; contactId: number; address: string | null }>(sql`
    select q.position, q.contact_id::float8 as "contactId", contact.email_key as address
      from dispatch_queue q left join contact on contact.id = q.contact_id
     where q.campaign_id = ${campaignId} order by q.position`);
  const outcomes = await db.execute<Books['outcomes'][number] & Record<string, unknown>>(sql`
    select position, kind, message_id as "messageId" from dispatch_outcome where campaign_id = ${campaignId}
     order by position`);
  return {
    campaignId,
    state: stateInWords(status),
    totals: status.totals,
    queue: queue.rows.map(({ position, contactId, address }) => ({
      position,
      address: people.firstOf(address ?? people.addressOfForgotten(contactId)),
    })),
    outcomes: outcomes.rows,
  };
}
