import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';

/**
 * BounceCount is the mailbox's. Whoever leaves an address leaves its count there (table `left_mailbox`), and whoever gets the
 * address next, the same contact or another, gets the count: a mailbox that is dead is not alive because its contact was
 * elsewhere for a day. A click, a confirmed subscription or a person takes it away as any other count.
 */
export async function leaveBounces(tx: Queries, contactId: number): Promise<void> {
  await tx.execute(sql`
    insert into left_mailbox (email_key, bounce_count)
    select email_key, bounce_count from contact where id = ${contactId} and bounce_count > 0
    on conflict (email_key) do update set bounce_count = excluded.bounce_count`);
}

/** Takes the bounces that were left at an address: a statement that returns `bounce_count`, to stand behind WITH. */
export function takeLeftBounces(key: string): SQL {
  return sql`delete from left_mailbox where email_key = ${key} returning bounce_count`;
}

/** New counts of mailboxes that bounced after their contacts had left them. */
export async function countLeftBounces(tx: Queries, counts: ReadonlyMap<string, number>): Promise<void> {
  if (counts.size === 0) return;
  // In one order by all processors.
  await tx.execute(sql`
    insert into left_mailbox (email_key, bounce_count)
    select e.key, e.count
      from unnest(${sql.param([...counts.keys()])}::text[], ${sql.param([...counts.values()])}::int[]) as e(key, count)
     where not exists (select from contact where contact.email_key = e.key)
     order by e.key
    on conflict (email_key) do update set bounce_count = greatest(left_mailbox.bounce_count, excluded.bounce_count)`);
}
