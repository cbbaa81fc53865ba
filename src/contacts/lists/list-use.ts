import { eq, isNotNull, sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { campaignList, contactList, listMember } from '../../db/schema.ts';
import { RefusedError } from '../../domain/errors.ts';
import { generalNoReason } from '../consent/general-no.ts';
import { compileSegment } from '../segments/segment-members.ts';
import { findList, findSegment, type ListRow } from './lists.ts';

/** Names that an error shows. */
const namesShown = 5;

/** Ids of the campaigns that go to a list or leave it out. */
export async function campaignsOfList(db: Queries, listId: number): Promise<string[]> {
  const rows = await db
    .select({ id: campaignList.campaignId })
    .from(campaignList)
    .where(eq(campaignList.listId, listId))
    .groupBy(campaignList.campaignId)
    .orderBy(campaignList.campaignId);
  return rows.map(({ id }) => id);
}

export interface RemoveOptions {
  /** Whether the opt-outs of the list go with it. Default false. */
  readonly withOptOuts?: boolean | undefined;
}

/**
 * Removes a list or segment, its memberships and, where that is asked for, the opt-outs of it. The contacts stay.
 * @throws InputError LIST_UNKNOWN; RefusedError LIST_USED that says by what, LIST_OPT_OUTS
 */
export async function removeList(db: Database, name: string, options: RemoveOptions = {}): Promise<ListRow> {
  return await remove(db, name, findList, options);
}

/** As `removeList`, of a segment. @throws InputError LIST_STATIC, too */
export async function removeSegment(
  db: Database,
  name: string,
  options: RemoveOptions = {},
): Promise<ListRow> {
  return await remove(db, name, findSegment, options);
}

async function remove(
  db: Database,
  name: string,
  find: typeof findList,
  { withOptOuts = false }: RemoveOptions,
): Promise<ListRow> {
  return await db.transaction(async (tx) => {
    const list = await find(tx, name);
    // Waits for an import into it and for a segment that is about to ask for it; whoever comes later finds it gone.
    await tx.execute(sql`select from contact_list where id = ${list.id} for update`);
    refuseUse(list, 'a campaign uses it', 'Campaigns', await campaignsOfList(tx, list.id));
    refuseUse(list, 'a segment asks for it', 'Segments', await segmentsOfList(tx, list));
    if (!withOptOuts) await refuseOptOuts(tx, list);
    await tx.delete(listMember).where(eq(listMember.listId, list.id));
    await tx.delete(contactList).where(eq(contactList.id, list.id));
    return list;
  });
}

function refuseUse(list: ListRow, why: string, users: string, names: readonly string[]): void {
  if (names.length === 0) return;
  const shown = names.slice(0, namesShown).join(', ');
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : '';
  throw new RefusedError(
    'LIST_USED',
    `"${list.name}" cannot be removed: ${why}. ${users}: ${shown}${more}.`,
    {
      field: 'NAME',
      value: list.name,
      hint: 'What became of a campaign is explained by its lists, so they stay as long as it does.',
    },
  );
}

/** A list of the same name that is made and filled again would reach who has left this one. */
async function refuseOptOuts(tx: Queries, { id, name }: ListRow): Promise<void> {
  // A "no" to everything but to some lists holds for the next list, too, and is not lost with this one.
  const { rows } = await tx.execute<{ count: number }>(
    sql`select count(*)::int as count from list_opt_out where list_id = ${id} and reason <> ${generalNoReason}`,
  );
  const count = rows[0]?.count ?? 0;
  if (count === 0) return;
  throw new RefusedError(
    'LIST_OPT_OUTS',
    `${count} ${count === 1 ? 'address has' : 'addresses have'} opted out of "${name}", which would be forgotten with it.`,
    {
      field: 'NAME',
      value: name,
      hint: `Keep them in a file with "exm contact opt-outs --list", then remove it with --with-opt-outs.`,
    },
  );
}

/** Names of the segments that ask who is on a static list. */
async function segmentsOfList(db: Queries, { name, expression }: ListRow): Promise<string[]> {
  if (expression !== null) return [];
  const segments = await db.select().from(contactList).where(isNotNull(contactList.expression));
  return segments
    .filter((segment) => {
      const compiled = compileSegment(segment.expression ?? '');
      return 'sources' in compiled && compiled.sources.named.lists.some((list) => list.name === name);
    })
    .map((segment) => segment.name);
}
