import { sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { exclusionReasons } from '../domain/outcome.ts';

const campaignId = 'bench-queueing';

/** Those of the built-in rule as it is without a configuration: no send limits, and nobody who is named by others. */
export const builtInReasons = exclusionReasons.filter(
  (reason) => reason !== 'send-limit' && reason !== 'unknown-contact',
);

/**
 * Fills an empty database with contacts on two lists that overlap by a tenth, and a campaign that goes to both and leaves
 * out a third one. Each reason of an exclusion holds for one to two percent of them, several for some: a tenth gets nothing.
 *
 * @returns the campaign's id; it has not been queued
 */
export async function makeAudience(db: Database, contacts: number): Promise<string> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`
      insert into contact (email, email_key, first_name, last_name, language, facets, do_not_market, consent_revoked,
        bounce_count)
      select 'Reader' || n || '@bench.example', 'reader' || n || '@bench.example', 'Ann' || n % 1000, 'Reader' || n,
        case n % 3 when 0 then 'de-at' when 1 then 'en' else '' end,
        jsonb_build_object('city', 'Town ' || n % 500, 'number', n::text),
        n % 97 = 1, n % 89 = 2, case when n % 61 = 3 then 9 else 0 end
      from generate_series(1, ${contacts}::int) n order by hashint8(n)`);
    // The column is unique, so one contact at the most is without an address.
    await tx.execute(sql`insert into contact (email, email_key) values ('', '')`);
    await tx.execute(sql`insert into contact_list (name) values ('all'), ('some'), ('never')`);
    await tx.execute(sql`
      insert into list_member (list_id, contact_id)
      select list.id, contact.id from contact_list list, contact
      where list.name = 'all' or list.name = 'some' and contact.id % 10 = 0 or list.name = 'never' and contact.id % 83 = 4
      order by list.id, contact.id`);
    const addresses = (divisor: number) =>
      sql`select email_key, 'bench' from contact where id % ${divisor}::int = 5 and email_key <> ''`;
    await tx.execute(sql`insert into global_opt_out (email_key, reason) ${addresses(53)}`);
    await tx.execute(sql`insert into suppression (email_key, reason) ${addresses(79)}`);
    await tx.execute(sql`
      insert into list_opt_out (list_id, email_key, reason)
      select list.id, email_key, 'bench' from contact_list list, contact
      where list.name = 'all' and contact.id % 59 = 7 and email_key <> ''`);
    await tx.execute(sql`
      insert into email_address_history (contact_id, email, email_key, used_from)
      select had.id, its.email, its.email_key, now() - interval '1 year'
        from contact had join contact its on its.id = had.id + 1
       where had.do_not_market and had.id % 2 = 0 and its.email_key <> ''`);
    await tx.execute(
      sql`insert into campaign (id, name, definition) values (${campaignId}, 'queueing', '{}')`,
    );
    await tx.execute(sql`
      insert into campaign_list (campaign_id, list_id, role)
      select ${campaignId}, id, case name when 'never' then 'exclude' else 'include' end from contact_list`);
  });
  await db.execute(
    sql`vacuum analyze contact, email_address_history, list_member, list_opt_out, global_opt_out, suppression`,
  );
  return campaignId;
}
