import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { mailboxCauses } from '../../domain/suppression.ts';

export interface PutOnSuppressionList {
  /** Addresses that were not on it. */
  readonly added: number;
  /** Addresses that were on it because of their mailbox, and are by their person's wish now. */
  readonly changed: number;
}

/** Of a cause, a column or a constant: whether it is about the mailbox and not the person. */
export function isOfMailbox(cause: SQL): SQL {
  return sql`${cause} in (${sql.join(
    mailboxCauses.map((one) => sql.raw(`'${one}'`)),
    sql`, `,
  )})`;
}

/**
 * Puts addresses on the suppression list: the one way there. Of one that is on it the first date, cause and reason stay; only where
 * those are about the mailbox and the new ones are the person's do cause and reason change, for that "no" holds longer: it goes
 * along to another address.
 *
 * @param entries a query of the columns `key`, `cause`, `reason` and `since` (null: now); of several of one address the person's
 * goes before the mailbox's, then the first
 */
export async function putOnSuppressionList(tx: Queries, entries: SQL): Promise<PutOnSuppressionList> {
  // In one order by everybody, so that nobody waits in a circle.
  const { rows } = await tx.execute<{ added: number; changed: number }>(sql`
    with put as (
      insert into suppression (email_key, cause, reason, created_at)
      select distinct on (key) key, cause, reason, coalesce(since, now())
        from (select entry.*, row_number() over () as place from (${entries}) entry) placed
       order by key, ${isOfMailbox(sql`cause`)}, place
      on conflict (email_key) do update set cause = excluded.cause, reason = excluded.reason
        where ${isOfMailbox(sql`suppression.cause`)} and not ${isOfMailbox(sql`excluded.cause`)}
      returning xmax = 0 as "isNew")
    select count(*) filter (where "isNew")::int as added, count(*) filter (where not "isNew")::int as changed from put`);
  return rows[0] ?? { added: 0, changed: 0 };
}
