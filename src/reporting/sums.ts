import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import type { Totals } from '../domain/outcome.ts';

/** What can be told of a campaign's books from sums over its queue and over its ledger. */
export interface BookSums {
  /** True where it all agrees: then every recipient that was queued has one outcome, of the same contact. */
  readonly balance: boolean;
  /** Undefined where the sums cannot tell: outcomes may be of positions that are not queued. */
  readonly totals: Totals | undefined;
}

interface Sums extends Omit<Totals, 'remaining'>, Record<string, unknown> {
  /** What QueueMessage noted. */
  readonly noted: number;
  readonly isQueueWhole: boolean;
  readonly ended: number;
  readonly isLedgerWithin: boolean;
  readonly sameContacts: boolean;
}

/**
 * Reads the queue once and the ledger once, and compares no row with another: half of the work of a join, and nothing to
 * be sorted or kept, whatever the planner expects.
 *
 * Positions are unique in both tables. So a queue of n rows from 1 to n lacks nobody, and as many outcomes between 1 and n are
 * one of each. That they name the same contacts a digest of all rows tells, whose order does not matter.
 *
 * @returns undefined where there is no such campaign
 */
export async function bookSums(db: Queries, campaignId: string): Promise<BookSums | undefined> {
  const digest = sql`coalesce(bit_xor(hashint8extended(contact_id, position)), 0) as digest`;
  const { rows } = await db.execute<Sums>(sql`
    select coalesce(c.queued, 0) as noted, q.rows as queued, q.first = 1 and q.last = q.rows as "isQueueWhole",
           l.rows as ended, l.first >= 1 and l.last <= q.rows as "isLedgerWithin", q.digest = l.digest as "sameContacts",
           l.sent, l.failed, l.skipped, l.cancelled, l.in_doubt as "inDoubt"
      from campaign c,
           (select count(*)::int as rows, coalesce(min(position), 1) as first, coalesce(max(position), 0) as last, ${digest}
              from dispatch_queue where campaign_id = ${campaignId}) q,
           (select count(*)::int as rows, coalesce(min(position), 1) as first, coalesce(max(position), 0) as last, ${digest},
                   (count(*) filter (where kind = 'sent'))::int as sent,
                   (count(*) filter (where kind = 'failed'))::int as failed,
                   (count(*) filter (where kind = 'skipped'))::int as skipped,
                   (count(*) filter (where kind = 'cancelled'))::int as cancelled,
                   (count(*) filter (where kind = 'in_doubt'))::int as in_doubt
              from dispatch_outcome where campaign_id = ${campaignId}) l
     where c.id = ${campaignId}`);
  const [sums] = rows;
  if (sums === undefined) return undefined;
  const { noted, queued, ended, isQueueWhole, isLedgerWithin, sameContacts } = sums;
  const { sent, failed, skipped, cancelled, inDoubt } = sums;
  const tells = isQueueWhole && isLedgerWithin;
  return {
    balance: tells && noted === queued && ended === queued && sameContacts,
    totals: tells
      ? { queued, sent, failed, skipped, cancelled, inDoubt, remaining: queued - ended }
      : undefined,
  };
}
