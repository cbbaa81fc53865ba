import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';

/** The ids of a campaign's lists, to stand behind `= any`. A campaign keeps the lists that it was created with. */
export interface CampaignLists {
  readonly included: SQL;
  readonly excluded: SQL;
}

/** As a subquery: for a statement that looks at some contacts by their keys, whatever the planner thinks of the lists. */
export function listsOf(campaignId: string): CampaignLists {
  const inRole = (role: string) =>
    sql`(select list_id from campaign_list where campaign_id = ${campaignId} and role = ${role})`;
  return { included: inRole('include'), excluded: inRole('exclude') };
}

/**
 * As values: for a statement that goes through whole lists. Of a subquery the planner does not know which lists they are,
 * takes a million members for some thousands, and looks up each contact by itself (measured: five times
 * the time where half of the contacts are on other lists).
 */
export async function readLists(db: Queries, campaignId: string): Promise<CampaignLists> {
  const { rows } = await db.execute<{ role: string; ids: number[] }>(
    sql`select role, array_agg(list_id order by list_id) as ids from campaign_list where campaign_id = ${campaignId} group by role`,
  );
  const inRole = (role: string) =>
    sql`(${sql.param(rows.find((row) => row.role === role)?.ids ?? [])}::integer[])`;
  return { included: inRole('include'), excluded: inRole('exclude') };
}

/**
 * Whether a contact has said "no" to the campaign's lists: it has opted out of an included list, and is on none that
 * it has not opted out of. A condition over the table `contact`. The one definition for queueing and for sending.
 *
 * @param hasOptedOut whether it has opted out of any of them, where that is known already
 */
export function saysNoToLists({ included }: CampaignLists, hasOptedOut = hasOptedOutOf(included)): SQL {
  return sql`(${hasOptedOut} and not exists (
      select from list_member member
      where member.contact_id = contact.id and member.list_id = any ${included} and not exists (
        select from list_opt_out own where own.list_id = member.list_id and own.email_key = contact.email_key
      )
    ))`;
}

function hasOptedOutOf(lists: SQL): SQL {
  return sql`exists (
      select from list_opt_out own where own.email_key = contact.email_key and own.list_id = any ${lists}
    )`;
}

/** Those of the contacts who have said "no" to the campaign's lists by now. */
export async function thoseWhoSayNoToLists(
  db: Queries,
  campaignId: string,
  contactIds: readonly number[],
): Promise<ReadonlySet<number>> {
  if (contactIds.length === 0) return new Set();
  const { rows } = await db.execute<{ id: number }>(
    sql`select id::float8 as id from contact where id in ${contactIds} and ${saysNoToLists(listsOf(campaignId))}`,
  );
  return new Set(rows.map((row) => row.id));
}
