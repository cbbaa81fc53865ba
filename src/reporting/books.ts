import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { booksBalance, type Totals } from '../domain/outcome.ts';
import { bookSums } from './sums.ts';
import { countLedger, ledgerOf, unknownCampaign } from './totals.ts';

/** How the queue, the ledger and what QueueMessage noted of them can disagree. */
const differenceKinds = [
  'no-outcome',
  'outcome-not-queued',
  'queue-row-missing',
  'queue-row-added',
  'other-contact',
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

export interface BooksDifference {
  readonly kind: DifferenceKind;
  readonly count: number;
  /** The first of them. */
  readonly positions: readonly number[];
}

/** A campaign's books, and what is wrong with them: empty where every queued recipient has exactly one outcome. */
export interface AuditedBooks {
  readonly totals: Totals;
  readonly differences: readonly BooksDifference[];
}

const positionsNamed = 5;

/**
 * Counts the books of a campaign in its ledger, and names where they disagree. While the campaign is sent,
 * `no-outcome` is whoever remains. To be called in a snapshot.
 *
 * Where the sums agree no recipient is compared with another, for they can hide nothing: see `bookSums`.
 *
 * @throws InputError CAMPAIGN_UNKNOWN
 */
export async function auditedBooks(db: Queries, campaignId: string): Promise<AuditedBooks> {
  const sums = await bookSums(db, campaignId);
  if (sums?.balance && sums.totals !== undefined) return { totals: sums.totals, differences: [] };
  const counted = await countLedger(db, campaignId);
  if (counted === undefined) throw unknownCampaign(campaignId);
  const { totals, isQueueWhole, otherContacts } = counted;
  const differences: BooksDifference[] = [];
  if (booksBalance(totals) && isQueueWhole && otherContacts === 0) return { totals, differences };
  for (const kind of differenceKinds) {
    const { rows } = await db.execute<{ count: number; positions: number[] }>(sql`
      with found as materialized (${found[kind](campaignId)})
      select count(*)::int as count,
             array(select position from found order by position limit ${positionsNamed}) as positions
        from found`);
    const [row] = rows;
    if (row !== undefined && row.count > 0) differences.push({ kind, ...row });
  }
  return { totals, differences };
}

/** The positions at which each difference is found. */
const found: Record<DifferenceKind, (campaignId: string) => SQL> = {
  'no-outcome': (id) =>
    sql`select queued as position from ${ledgerOf(id)} where queued is not null and ended is null`,
  'outcome-not-queued': (id) => sql`select ended as position from ${ledgerOf(id)} where queued is null`,
  'queue-row-missing': (id) => sql`select due as position from ${queueAsWritten(id)} where written is null`,
  'queue-row-added': (id) => sql`select written as position from ${queueAsWritten(id)} where due is null`,
  'other-contact': (id) =>
    sql`select queued as position from ${ledgerOf(id)} where queued_contact <> ended_contact`,
};

/** The positions that QueueMessage wrote (`due`) beside those of the queue (`written`); in the form of `ledgerOf`. */
function queueAsWritten(campaignId: string): SQL {
  return sql`(
    select n.position as due, q.position as written
      from (select generate_series(1, queued) as position from campaign where id = ${campaignId}) n
      full join (select position from dispatch_queue where campaign_id = ${campaignId}) q on q.position = n.position
    offset 0) as queue`;
}

/** `3 recipients have no outcome (positions 5, 7 and 9)` */
export function differenceInWords({ kind, count, positions }: BooksDifference): string {
  const one = count === 1;
  const what = {
    'no-outcome': one ? 'recipient has no outcome' : 'recipients have no outcome',
    'outcome-not-queued': one
      ? 'outcome is of a position that is not queued'
      : 'outcomes are of positions that are not queued',
    'queue-row-missing': one ? 'row of the queue is missing' : 'rows of the queue are missing',
    'queue-row-added': one
      ? 'row of the queue was not written by QueueMessage'
      : 'rows of the queue were not written by QueueMessage',
    'other-contact': one
      ? 'outcome names another contact than the queue'
      : 'outcomes name other contacts than the queue',
  }[kind];
  return `${count} ${what} (${positionsInWords(positions, count)})`;
}

function positionsInWords(positions: readonly number[], count: number): string {
  if (count === 1) return `position ${positions[0]}`;
  if (count > positions.length)
    return `positions ${positions.join(', ')} and ${count - positions.length} more`;
  return `positions ${positions.slice(0, -1).join(', ')} and ${positions.at(-1)}`;
}
