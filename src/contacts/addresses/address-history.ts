import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';

/** The addresses of a contact's history, the latest first. */
export async function addressesOf(
  db: Queries,
  contactId: number,
): Promise<{ email: string; usedFrom: Date }[]> {
  const { rows } = await db.execute<{ email: string; usedFrom: string }>(sql`
    select email, used_from as "usedFrom" from email_address_history where contact_id = ${contactId}
     order by used_from desc limit 100`);
  return rows.map(({ email, usedFrom }) => ({ email, usedFrom: new Date(usedFrom) }));
}

/**
 * Where contacts get mail now who had this address before, ten at the most. They may be its person, or somebody else by now.
 *
 * @param but a contact that is left out
 */
export async function whoHadAddress(db: Queries, key: string, but: number | null = null): Promise<string[]> {
  const { rows } = await db.execute<{ email: string }>(sql`
    select distinct contact.email from email_address_history h join contact on contact.id = h.contact_id
     where h.email_key = ${key} and contact.email_key <> ${key} and contact.id is distinct from ${but}::bigint
     order by contact.email limit 10`);
  return rows.map(({ email }) => email);
}

/**
 * Which address a contact had when a message was sent to it: what comes back of mail to an earlier one says nothing of the
 * one that it has now.
 *
 * @returns undefined where there is no such contact
 */
export async function addressAt(
  db: Queries,
  contactId: number,
  at: Date,
): Promise<{ readonly email: string; readonly isPresent: boolean } | undefined> {
  const { rows } = await db.execute<{ email: string; isPresent: boolean }>(sql`
    select ${hadAddress(sql`${at.toISOString()}::timestamptz`)} as email,
           ${hadAddress(sql`${at.toISOString()}::timestamptz`)} = contact.email as "isPresent"
      from contact where contact.id = ${contactId}`);
  return rows[0];
}

/**
 * The same as an expression over the table `contact`, for a statement about many.
 *
 * A row of the history counts until the next one's. The address of now counts from its change on until its own row stands
 * there, which says when it was first sent to; before the first row it was that one's.
 *
 * @param at an expression of timestamptz
 */
export function hadAddress(at: SQL, column: 'email' | 'email_key' = 'email'): SQL {
  const its = sql.identifier(column);
  return sql`case when contact.history_pending and ${at} >= contact.address_since then contact.${its}
    else coalesce(
      (select h.${its} from email_address_history h where h.contact_id = contact.id and h.used_from <= ${at}
        order by used_from desc limit 1),
      (select h.${its} from email_address_history h where h.contact_id = contact.id order by used_from limit 1),
      contact.${its}) end`;
}
