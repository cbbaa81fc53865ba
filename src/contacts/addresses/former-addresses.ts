import { type SQL, sql } from 'drizzle-orm';

/**
 * Addresses that contacts had before who say "no" to anything by now: a query of the one column `email_key`. A source that
 * still has such an address makes another contact of the same person, whom that "no" has to hold for as well. Not where
 * somebody has subscribed by it since, which proves that the mailbox is theirs and that they want it.
 *
 * @param among a further condition over the history `h`
 */
export function formerAddressesOfNos(among = sql`true`): SQL {
  return sql`select h.email_key
      from email_address_history h join contact had on had.id = h.contact_id
     where ${among} and had.email_key <> h.email_key
       and (had.do_not_market or had.consent_revoked
            or exists (select from global_opt_out o where o.email_key = had.email_key)
            or exists (select from general_no o where o.email_key = had.email_key)
            or exists (select from list_opt_out o where o.email_key = had.email_key))
       and not exists (
         select from contact now_its join subscription_request r on r.email_key = now_its.email_key
          where now_its.email_key = h.email_key and r.purpose = 'subscribe' and r.confirmed_at >= now_its.created_at)`;
}
