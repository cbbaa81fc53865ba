import { eq } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { contactList, globalOptOut, listOptOut, suppression } from '../../db/schema.ts';

export interface ListEntry {
  readonly since: Date;
  readonly reason: string;
}

/** Every "no" that is kept by address, whether or not it is a contact's. */
export interface Refusals {
  /** Null where the address is not on the list. */
  readonly globalOptOut: ListEntry | null;
  readonly suppression: ListEntry | null;
  /** Lists that the address has opted out of, whether or not it is on them. */
  readonly listOptOuts: readonly (ListEntry & { readonly list: string })[];
}

export async function refusalsOf(db: Queries, key: string): Promise<Refusals> {
  return {
    globalOptOut: await entryOf(db, globalOptOut, key),
    suppression: await entryOf(db, suppression, key),
    listOptOuts: await db
      .select({ list: contactList.name, since: listOptOut.createdAt, reason: listOptOut.reason })
      .from(listOptOut)
      .innerJoin(contactList, eq(contactList.id, listOptOut.listId))
      .where(eq(listOptOut.emailKey, key))
      .orderBy(contactList.name),
  };
}

async function entryOf(
  db: Queries,
  list: typeof globalOptOut | typeof suppression,
  key: string,
): Promise<ListEntry | null> {
  const [entry] = await db
    .select({ since: list.createdAt, reason: list.reason })
    .from(list)
    .where(eq(list.emailKey, key));
  return entry ?? null;
}
