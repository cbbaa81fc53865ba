import { randomBytes } from 'node:crypto';
import { asc, eq } from 'drizzle-orm';
import { emailKey } from '../../src/contacts/email-address.ts';
import type { Database } from '../../src/db/connect.ts';
import { campaign, campaignList, contact, contactList, listMember } from '../../src/db/schema.ts';

export type NewContact = Partial<Omit<typeof contact.$inferInsert, 'emailKey'>> & { readonly email: string };

/** Enters contacts as they are; their ids in the same order. */
export async function insertContacts(db: Database, people: readonly NewContact[]): Promise<number[]> {
  if (people.length === 0) return [];
  const rows = await db
    .insert(contact)
    .values(people.map((person) => ({ ...person, emailKey: emailKey(person.email) })))
    .returning({ id: contact.id });
  return rows.map((row) => row.id);
}

/** A list with these members. */
export async function insertList(
  db: Database,
  contactIds: readonly number[],
): Promise<{ id: number; name: string }> {
  const name = `list ${randomBytes(6).toString('hex')}`;
  const [list] = await db.insert(contactList).values({ name }).returning();
  if (list === undefined) throw new Error('the list was not inserted');
  if (contactIds.length > 0) {
    await db.insert(listMember).values(contactIds.map((contactId) => ({ listId: list.id, contactId })));
  }
  return list;
}

/** A campaign with these lists; its content is of no interest here. */
export async function insertCampaign(
  db: Database,
  lists: { readonly include?: readonly number[]; readonly exclude?: readonly number[] },
): Promise<string> {
  const id = `test-${randomBytes(6).toString('hex')}`;
  await db.insert(campaign).values({ id, name: id, definition: {} });
  const rows = (['include', 'exclude'] as const).flatMap((role) =>
    (lists[role] ?? []).map((listId) => ({ campaignId: id, listId, role })),
  );
  if (rows.length > 0) await db.insert(campaignList).values(rows);
  return id;
}

export async function contactByEmail(db: Database, email: string) {
  const [found] = await db
    .select()
    .from(contact)
    .where(eq(contact.emailKey, emailKey(email)));
  if (found === undefined) throw new Error(`there is no contact ${email}`);
  return found;
}

/** Addresses of a list's members in the order of their ids. */
export async function membersOf(db: Database, name: string): Promise<string[]> {
  const rows = await db
    .select({ email: contact.email })
    .from(listMember)
    .innerJoin(contactList, eq(contactList.id, listMember.listId))
    .innerJoin(contact, eq(contact.id, listMember.contactId))
    .where(eq(contactList.name, name))
    .orderBy(asc(contact.id));
  return rows.map((row) => row.email);
}
