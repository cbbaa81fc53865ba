import { eq } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { contact } from '../../db/schema.ts';
import { emailKey } from '../addresses/email-address.ts';
import type { Recipient } from './recipient.ts';

/** The contact of an address as the message engine sees it; undefined where there is none. */
export async function findRecipient(db: Queries, address: string): Promise<Recipient | undefined> {
  const [found] = await db
    .select()
    .from(contact)
    .where(eq(contact.emailKey, emailKey(address)));
  if (found === undefined) return undefined;
  const { id, email, firstName, lastName, language, facets } = found;
  return { contactId: id, email, firstName, lastName, language, facets };
}
