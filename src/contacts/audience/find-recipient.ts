import { eq, type SQL } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { contact } from '../../db/schema.ts';
import { emailKey } from '../addresses/email-address.ts';
import type { Recipient } from './recipient.ts';

/** The contact of an address as the message engine sees it; undefined where there is none. */
export async function findRecipient(db: Queries, address: string): Promise<Recipient | undefined> {
  return await find(db, eq(contact.emailKey, emailKey(address)));
}

/** The same by the contact's number. */
export async function findRecipientById(db: Queries, contactId: number): Promise<Recipient | undefined> {
  return await find(db, eq(contact.id, contactId));
}

async function find(db: Queries, isIt: SQL): Promise<Recipient | undefined> {
  const [found] = await db.select().from(contact).where(isIt);
  if (found === undefined) return undefined;
  const { id, email, firstName, lastName, language, facets } = found;
  return { contactId: id, email, firstName, lastName, language, facets };
}
