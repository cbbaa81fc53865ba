import { sql } from 'drizzle-orm';
import { emailKey } from '../contacts/addresses/email-address.ts';
import type { Database } from '../db/connect.ts';
import type { AddressChange } from '../db/schema.ts';

/** Messages of the bus taken in one transaction. */
const messagesMaximum = 20;

/**
 * Takes messages off the EmailAddressHistoryBus and brings them into the history: from when on each contact was sent to at
 * its new address. Twice is as once, and in any order: an address that counts at that time already is not entered again.
 * Contacts that were erased meanwhile are left out.
 *
 * @returns how many messages were taken
 */
export async function takeAddressChanges(db: Database): Promise<{ taken: number }> {
  return await db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ changes: readonly AddressChange[] }>(sql`
      delete from email_address_history_bus where id in (
        select id from email_address_history_bus order by id limit ${messagesMaximum} for update skip locked)
      returning changes`);
    if (rows.length === 0) return { taken: 0 };
    const told = rows.flatMap((row) => row.changes).map((one) => ({ ...one, key: emailKey(one.email) }));
    const changes = sql`json_to_recordset(${JSON.stringify(told)}::json)
      as e("contactId" bigint, email text, key text, at timestamptz)`;
    // In one order by everybody, so that nobody waits in a circle; and whoever erases a contact comes before or after.
    await tx.execute(sql`
      select from contact where id in (select e."contactId" from ${changes}) order by id for update`);
    await tx.execute(sql`
      insert into email_address_history (contact_id, email, email_key, used_from)
      select id, email, key, at
        from (select c.id, e.email, e.key, e.at, h.email as known, h.used_from as "knownFrom",
                     lag(e.email) over earlier as told, lag(e.at) over earlier as "toldFrom"
                from ${changes} join contact c on c.id = e."contactId"
                left join lateral (select h.email, h.used_from from email_address_history h
                                    where h.contact_id = c.id and h.used_from <= e.at
                                    order by h.used_from desc limit 1) h on true
              window earlier as (partition by c.id order by e.at)) e
       where email is distinct from case when "toldFrom" >= coalesce("knownFrom", '-infinity') then told else known end
      on conflict do nothing`);
    await tx.execute(sql`
      update contact c set history_pending = false
        from ${changes} where c.id = e."contactId" and c.email = e.email and c.history_pending`);
    return { taken: rows.length };
  });
}
