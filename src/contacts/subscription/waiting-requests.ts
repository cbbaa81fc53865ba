import { sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { confirmationMailHours, unconfirmedDays } from '../../domain/subscription.ts';

/** Requests whose mail has not gone out, the oldest first. @param except those that are in hand */
export async function waitingRequests(
  db: Queries,
  except: readonly string[],
  limit: number,
): Promise<string[]> {
  const { rows } = await db.execute<{ id: string }>(sql`
    select id from subscription_request
    where sent_at is null and failure is null and id <> all(${sql.param([...except])}::text[])
    order by created_at limit ${limit}`);
  return rows.map(({ id }) => id);
}

/** Gives up mails that could not be sent for too long, and removes what nobody has confirmed. */
export async function tidyRequests(db: Queries): Promise<void> {
  await db.execute(sql`
    update subscription_request set failure = ${`not sent within ${confirmationMailHours} hours`}
    where sent_at is null and failure is null and created_at < now() - make_interval(hours => ${confirmationMailHours})`);
  await db.execute(sql`
    delete from subscription_request
    where confirmed_at is null and created_at < now() - make_interval(days => ${unconfirmedDays})`);
}
