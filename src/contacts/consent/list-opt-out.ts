import { and, eq, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { listOptOut } from '../../db/schema.ts';
import { givenAddress } from '../addresses/given-address.ts';
import { findList } from '../lists/lists.ts';
import { checkReason, type OptOutState } from './opt-out.ts';
import { isNewOptOut, saidAgain } from './said-again.ts';

export interface ListOptOutState extends OptOutState {
  readonly list: string;
}

/**
 * Takes an address's consent to one list back: it gets nothing any more as a member of it, whether or not it is one
 * now, and also not what is queued already. Being on the list is not touched, so that no import undoes this. Once more
 * changes nothing (but see `saidAgain`); the first date and reason stay.
 *
 * @throws InputError ADDRESS_WRONG, REASON_WRONG, LIST_UNKNOWN
 */
export async function optOutOfList(
  db: Queries,
  email: string,
  listName: string,
  reason = 'by hand',
): Promise<ListOptOutState> {
  const { address, key } = givenAddress(email);
  const text = checkReason(reason);
  const list = await findList(db, listName, '--list');
  const put = await db.execute<{ is_new: boolean }>(sql`
    insert into list_opt_out (list_id, email_key, reason) values (${list.id}, ${key}, ${text})
    ${sql.raw(saidAgain('list_opt_out'))} returning ${sql.raw(isNewOptOut)}`);
  const [entry] = await db.select().from(listOptOut).where(entryOf(list.id, key));
  return {
    email: address,
    list: list.name,
    optedOut: true,
    changed: put.rows[0]?.is_new ?? false,
    since: entry?.createdAt ?? null,
    reason: entry?.reason ?? null,
  };
}

/**
 * Gives an address's consent to one list again. Nothing else changes: it does not become a member, and every other
 * "no" still holds. Once more changes nothing.
 *
 * @throws InputError ADDRESS_WRONG, LIST_UNKNOWN
 */
export async function optInToList(db: Queries, email: string, listName: string): Promise<ListOptOutState> {
  const { address, key } = givenAddress(email);
  const list = await findList(db, listName, '--list');
  const removed = await db.delete(listOptOut).where(entryOf(list.id, key)).returning();
  return {
    email: address,
    list: list.name,
    optedOut: false,
    changed: removed.length > 0,
    since: null,
    reason: null,
  };
}

function entryOf(listId: number, key: string) {
  return and(eq(listOptOut.listId, listId), eq(listOptOut.emailKey, key));
}
