import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';

/** The ids of a campaign's lists of one role, as a subquery. */
export function listsOf(campaignId: string, role: 'include' | 'exclude'): SQL {
  return sql`(select list_id from campaign_list where campaign_id = ${campaignId} and role = ${role})`;
}

/**
 * Whether a contact has said "no" to the campaign's lists: it has opted out of an included list, and is on none that
 * it has not opted out of. A condition over the table `contact`. The one definition for queueing and for sending.
 */
export function saysNoToLists(campaignId: string): SQL {
  const included = listsOf(campaignId, 'include');
  return sql`(
    exists (
      select from list_opt_out own where own.email_key = contact.email_key and own.list_id in ${included}
    ) and not exists (
      select from list_member member
      where member.contact_id = contact.id and member.list_id in ${included} and not exists (
        select from list_opt_out own where own.list_id = member.list_id and own.email_key = contact.email_key
      )
    ))`;
}

/** Those of the contacts who have said "no" to the campaign's lists by now. */
export async function thoseWhoSayNoToLists(
  db: Queries,
  campaignId: string,
  contactIds: readonly number[],
): Promise<ReadonlySet<number>> {
  if (contactIds.length === 0) return new Set();
  const { rows } = await db.execute<{ id: number }>(
    sql`select id::float8 as id from contact where id in ${contactIds} and ${saysNoToLists(campaignId)}`,
  );
  return new Set(rows.map((row) => row.id));
}
