import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { InputError } from '../../domain/errors.ts';
import { checkSavedSegment } from '../segments/check-segment.ts';
import { segmentMembers } from '../segments/segment-members.ts';

/** A campaign's lists. It keeps those that it was created with; who is on a segmented one is found anew each time. */
export interface CampaignLists {
  readonly included: ListsInRole;
  readonly excluded: ListsInRole;
}

export interface ListsInRole {
  readonly all: readonly NamedList[];
  /** The ids of all of them, by which opt-outs are kept, to stand behind `= any`. */
  readonly ids: SQL;
  /** Those of the static ones alone. */
  readonly staticIds: SQL;
  readonly segments: readonly Segment[];
}

export interface NamedList {
  readonly id: number;
  readonly name: string;
  /** CEL that makes it a segmented list; null for a static one. */
  readonly expression: string | null;
}

export type Segment = NamedList & { readonly expression: string };

/**
 * As values and not as a subquery, of which the planner does not know which lists they are: it takes a million members for
 * some thousands, and looks up each contact by itself (measured: five times the time where half of the contacts are on
 * other lists).
 *
 * Segments are checked each time, included and excluded ones alike: whoever reads the lists decides by them who gets mail.
 *
 * @throws InputError SEGMENT_WRONG that names the list: without one of them nobody knows who gets the campaign
 */
export async function readLists(db: Queries, campaignId: string): Promise<CampaignLists> {
  const { rows } = await db.execute<{ role: string } & Pick<NamedList, keyof NamedList>>(sql`
    select role, id, name, expression from campaign_list join contact_list on id = list_id
     where campaign_id = ${campaignId} order by role, id`);
  await checkSegments(db, rows);
  const inRole = (role: string): ListsInRole => {
    const all = rows.filter((row) => row.role === role);
    return {
      all,
      ids: idsOf(all),
      staticIds: idsOf(all.filter(({ expression }) => expression === null)),
      segments: all.filter((list): list is typeof list & Segment => list.expression !== null),
    };
  };
  return { included: inRole('include'), excluded: inRole('exclude') };
}

async function checkSegments(db: Queries, lists: readonly NamedList[]): Promise<void> {
  for (const list of lists) if (list.expression !== null) await checkSegment(db, list.name, list.expression);
}

async function checkSegment(db: Queries, name: string, expression: string): Promise<void> {
  try {
    await checkSavedSegment(db, expression);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(
      error.code,
      `Nobody can tell any more who is on the segmented list "${name}": ${error.message}`,
      {
        field: `list ${name}`,
        value: expression,
        hint: `Correct the segment, or the facets that it asks about; a campaign that waits for it goes on with "exm campaign resume".`,
        cause: error,
      },
    );
  }
}

function idsOf(lists: readonly NamedList[]): SQL {
  return sql`(${sql.param(lists.map(({ id }) => id))}::integer[])`;
}

/**
 * A common table expression for each segmented list, to stand behind WITH; what the functions below say of such lists
 * reads them. None where all lists are static.
 *
 * @param among a condition over `contact.id`, where only some contacts are looked at
 */
export function withSegments({ included, excluded }: CampaignLists, among?: SQL): SQL[] {
  const segments = [...included.segments, ...excluded.segments];
  const once = segments.filter(({ id }, index) => segments.findIndex((other) => other.id === id) === index);
  return once.map(
    (segment) => sql`${nameOf(segment)} as materialized (${segmentMembers(segment.expression, among)})`,
  );
}

const nameOf = ({ id }: NamedList) => sql.identifier(`segment_${id}`);

/** A query of one column, `contact_id`: everybody who is on one of the lists, once for each. Behind `withSegments`. */
export function membersOf({ staticIds, segments }: ListsInRole): SQL {
  const each = segments.map((segment) => sql` union all select contact_id from ${nameOf(segment)}`);
  return sql`select contact_id from list_member where list_id = any ${staticIds}${sql.join(each)}`;
}

/** The same with the column `list_id` before it. */
export function membershipsOf({ staticIds, segments }: ListsInRole): SQL {
  const each = segments.map(
    (segment) => sql` union all select ${segment.id}::int, contact_id from ${nameOf(segment)}`,
  );
  return sql`select list_id, contact_id from list_member where list_id = any ${staticIds}${sql.join(each)}`;
}

/** Whether the contact of the row, over the table `contact`, is on one of the lists. Behind `withSegments`. */
export function isOnOneOf(lists: ListsInRole): SQL {
  return sql`contact.id in (${membersOf(lists)})`;
}

/**
 * Whether a contact has said "no" to the campaign's lists: it has opted out of an included list, and is on none that
 * it has not opted out of. A condition over the table `contact`, behind `withSegments`. The one definition for queueing
 * and for sending.
 *
 * @param hasOptedOut whether it has opted out of any of them, where that is known already
 */
export function saysNoToLists({ included }: CampaignLists, hasOptedOut = hasOptedOutOf(included.ids)): SQL {
  // By their hash, and the opt-out by its key: whoever asks for a million people asks each of them only this.
  const segments = included.segments.map(
    (segment) => sql` and not (contact.id in (select contact_id from ${nameOf(segment)}) and not exists (
        select from list_opt_out own where own.list_id = ${segment.id} and own.email_key = contact.email_key
      ))`,
  );
  return sql`(${hasOptedOut} and not exists (
      select from list_member member
      where member.contact_id = contact.id and member.list_id = any ${included.staticIds} and not exists (
        select from list_opt_out own where own.list_id = member.list_id and own.email_key = contact.email_key
      )
    )${sql.join(segments)})`;
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
  const lists = await readLists(db, campaignId);
  const among = sql`contact.id = any (${sql.param([...contactIds])}::bigint[])`;
  const { rows } = await db.execute<{ id: number }>(sql`
    ${withClause(withSegments(lists, among))}
    select id::float8 as id from contact where ${among} and ${saysNoToLists(lists)}`);
  return new Set(rows.map((row) => row.id));
}

/** The ids of those of a campaign's lists that a contact is on now. */
export async function listsOfContact(
  db: Queries,
  campaignId: string,
  contactId: number,
): Promise<ReadonlySet<number>> {
  const lists = await readLists(db, campaignId);
  const { rows } = await db.execute<{ id: number }>(sql`
    ${withClause(withSegments(lists, sql`contact.id = ${contactId}`))}
    select distinct list_id as id
      from (${membershipsOf(lists.included)} union all ${membershipsOf(lists.excluded)}) membership
     where contact_id = ${contactId}`);
  return new Set(rows.map((row) => row.id));
}

/** `with one, two`, or nothing. */
export function withClause(expressions: readonly SQL[]): SQL {
  return expressions.length === 0 ? sql`` : sql`with ${sql.join([...expressions], sql`, `)}`;
}
