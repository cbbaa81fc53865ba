import { sql } from 'drizzle-orm';
import { advisoryLocks } from '../../db/advisory-locks.ts';
import type { Queries } from '../../db/connect.ts';

/**
 * The reason of an opt-out of a list that comes from a "no" to everything: its person has subscribed to another list since, and
 * the "no" to everything stays one to every other list, also to those that are made later (table `general_no`).
 */
export const generalNoReason = 'unsubscribed from everything';

/**
 * Until the transaction `tx` ends no list is made. Without it a list that is made at this moment would know nothing of a general
 * "no" that is entered at this moment, nor that of the list. To be asked for behind locks on contacts, as imports do.
 */
export async function holdNewLists(tx: Queries): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(${advisoryLocks.generalNos})`);
}

/** Makes of a "no" to everything, where there is one, a "no" to every list but these, those that are made later among them. */
export async function keepGeneralNoBut(
  tx: Queries,
  emailKey: string,
  listIds: readonly number[],
): Promise<void> {
  await holdNewLists(tx);
  await tx.execute(sql`
    with general as (delete from global_opt_out where email_key = ${emailKey} returning created_at),
         kept as (insert into general_no (email_key, created_at) select ${emailKey}, created_at from general
                  on conflict do nothing)
    insert into list_opt_out (list_id, email_key, reason, created_at)
    select l.id, ${emailKey}, ${generalNoReason}::text, general.created_at
    from general cross join contact_list l where l.id <> all(${sql.param([...listIds])}::int[])
    order by l.id on conflict do nothing`);
}

/**
 * Lets those who said "no" to everything but to some lists be opted out of a new one, too. Others who enter or move such a "no"
 * wait until the transaction `tx` ends: it stands at the end of one that takes long.
 */
export async function optOutGeneralNo(tx: Queries, listId: number): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${advisoryLocks.generalNos})`);
  await tx.execute(sql`
    insert into list_opt_out (list_id, email_key, reason, created_at)
    select ${listId}::int, email_key, ${generalNoReason}::text, created_at from general_no on conflict do nothing`);
}
