import { sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { emailKey } from '../addresses/email-address.ts';
import { otherAddressesOfNos } from '../addresses/former-addresses.ts';
import type { Person } from './erase-traces.ts';

/**
 * What is about to be erased may be why another contact gets no mail: one that a source made of an address that the person had
 * before, or one whose former address it is by which somebody says "no". Those are opted out by their own addresses from now on,
 * for the history that leads to the "no" goes with it.
 */
export async function keepNosOfOthers(tx: Queries, { contactId, addresses }: Person): Promise<void> {
  const own = sql.param([...new Set(addresses.map(emailKey))]);
  const { rows } = await tx.execute<{ key: string }>(sql`
    select h.email_key as key from email_address_history h
     where h.contact_id = ${contactId}::bigint and h.email_key <> all(${own}::text[])
    union
    select other.email_key from email_address_history h join contact other on other.id = h.contact_id
     where h.email_key = any(${own}::text[]) and other.id is distinct from ${contactId}::bigint`);
  if (rows.length === 0) return;
  const others = sql.param(rows.map(({ key }) => key));
  await tx.execute(sql`
    insert into global_opt_out (email_key, reason)
    select distinct no.email_key, 'a "no" of who was erased'
      from (${otherAddressesOfNos({ checkSuppressionList: true }, (key) => sql`${key} = any(${others}::text[])`)}) no
     order by no.email_key on conflict do nothing`);
}
