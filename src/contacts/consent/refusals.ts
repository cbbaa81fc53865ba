import { eq } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { contactList, globalOptOut, listOptOut, suppression } from '../../db/schema.ts';
import type { SuppressionCause } from '../../domain/suppression.ts';

export interface ListEntry {
  readonly since: Date;
  readonly reason: string;
}

export interface SuppressionEntry extends ListEntry {
  readonly cause: SuppressionCause;
}

/** Every "no" that is kept by address, whether or not it is a contact's. */
export interface Refusals {
  /** Null where the address is not on the list. */
  readonly globalOptOut: ListEntry | null;
  readonly suppression: SuppressionEntry | null;
  /** Lists that the address has opted out of, whether or not it is on them. */
  readonly listOptOuts: readonly (ListEntry & { readonly list: string })[];
}

export async function refusalsOf(db: Queries, key: string): Promise<Refusals> {
  return {
    globalOptOut: await optOutOf(db, key),
    suppression: await suppressionOf(db, key),
    listOptOuts: await db
      .select({ list: contactList.name, since: listOptOut.createdAt, reason: listOptOut.reason })
      .from(listOptOut)
      .innerJoin(contactList, eq(contactList.id, listOptOut.listId))
      .where(eq(listOptOut.emailKey, key))
      .orderBy(contactList.name),
  };
}

/** Since when and why an address is on the global opt-out list; null where it is not. */
export async function optOutOf(db: Queries, key: string): Promise<ListEntry | null> {
  const [entry] = await db
    .select({ since: globalOptOut.createdAt, reason: globalOptOut.reason })
    .from(globalOptOut)
    .where(eq(globalOptOut.emailKey, key));
  return entry ?? null;
}

/** Since when and why an address is on the suppression list; null where it is not. */
export async function suppressionOf(db: Queries, key: string): Promise<SuppressionEntry | null> {
  const [entry] = await db
    .select({ since: suppression.createdAt, cause: suppression.cause, reason: suppression.reason })
    .from(suppression)
    .where(eq(suppression.emailKey, key));
  return entry ?? null;
}
