import { and, eq } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { contact, contactList, listMember } from '../../db/schema.ts';
import { FailedError } from '../../domain/errors.ts';
import { givenAddress } from '../addresses/given-address.ts';
import type { ListRow } from './lists.ts';
import { findStaticList } from './static-list.ts';

export interface MembershipChange {
  readonly list: string;
  readonly email: string;
  readonly member: boolean;
  /** False where it was so before. */
  readonly changed: boolean;
}

/**
 * Puts a contact on a static list. An opt-out of the list stays.
 * @throws InputError ADDRESS_WRONG, LIST_UNKNOWN; RefusedError LIST_SEGMENTED; FailedError CONTACT_UNKNOWN
 */
export async function addToList(db: Database, name: string, email: string): Promise<MembershipChange> {
  const { address, key } = givenAddress(email, 'EMAIL');
  return await db.transaction(async (tx) => {
    const list = await heldList(tx, name);
    const [found] = await tx
      .select({ id: contact.id })
      .from(contact)
      .where(eq(contact.emailKey, key))
      .for('key share');
    if (found === undefined) {
      throw new FailedError('CONTACT_UNKNOWN', 'There is no contact with this address.', {
        field: 'EMAIL',
        value: address,
        hint: `Import it: exm contact import FILE --list "${list.name}"`,
      });
    }
    const added = await tx
      .insert(listMember)
      .values({ listId: list.id, contactId: found.id })
      .onConflictDoNothing()
      .returning();
    return { list: list.name, email: address, member: true, changed: added.length > 0 };
  });
}

/**
 * Takes a contact off a static list; it stays a contact. Whoever is not on it, or is no contact, is no error.
 * @throws InputError ADDRESS_WRONG, LIST_UNKNOWN; RefusedError LIST_SEGMENTED
 */
export async function removeFromList(db: Database, name: string, email: string): Promise<MembershipChange> {
  const { address, key } = givenAddress(email, 'EMAIL');
  return await db.transaction(async (tx) => {
    const list = await heldList(tx, name);
    const [found] = await tx.select({ id: contact.id }).from(contact).where(eq(contact.emailKey, key));
    const removed =
      found === undefined
        ? []
        : await tx
            .delete(listMember)
            .where(and(eq(listMember.listId, list.id), eq(listMember.contactId, found.id)))
            .returning();
    return { list: list.name, email: address, member: false, changed: removed.length > 0 };
  });
}

/** Holds the list, so that it is not removed meanwhile. */
async function heldList(tx: Queries, name: string): Promise<ListRow> {
  const list = await findStaticList(tx, name, 'NAME');
  await tx
    .select({ id: contactList.id })
    .from(contactList)
    .where(eq(contactList.id, list.id))
    .for('key share');
  return list;
}
