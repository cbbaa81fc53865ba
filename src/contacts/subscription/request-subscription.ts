import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { advisoryLocks } from '../../db/advisory-locks.ts';
import type { Database } from '../../db/connect.ts';
import { requestLimits, waitingRequestsMaximum } from '../../domain/subscription.ts';

export interface NewSubscriptionRequest {
  readonly listId: number;
  readonly email: string;
  readonly emailKey: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly language: string;
  /** Where it was asked for: `form`, `preferences`, or the origin of the website whose form it was. */
  readonly via: string;
  /** What the person is asked to agree to, word by word. */
  readonly wording: string;
}

/**
 * `limited`: there was one of this address a short time ago, or too many today; no other is stored. `full`: too many of everybody
 * wait for their mail.
 */
export type RequestResult = 'stored' | 'limited' | 'full';

/** Milliseconds. */
const statementTimeoutMs = 5_000;

/**
 * Stores that somebody asked for a list's mail; the processing role has a mail sent that asks to confirm it. Whether the
 * address is a contact, subscribed or suppressed makes no difference here, so that nobody learns it.
 */
export async function requestSubscription(
  db: Database,
  request: NewSubscriptionRequest,
): Promise<RequestResult> {
  const { listId, email, emailKey, firstName = '', lastName = '', language, via, wording } = request;
  return await db.transaction(async (tx) => {
    await tx.execute(sql.raw(`set local statement_timeout = ${statementTimeoutMs}`));
    // One after the other for each address: two that come at once are two.
    await tx.execute(
      sql`select pg_advisory_xact_lock(${advisoryLocks.subscriptionRequests}, hashtext(${emailKey}))`,
    );
    const { rows } = await tx.execute<{ recently: boolean; today: number; waiting: number }>(sql`
      select coalesce(bool_or(list_id = ${listId}
               and created_at > now() - make_interval(mins => ${requestLimits.perListMinutes})), false) as recently,
             count(*)::int as today,
             (select count(*)::int from (select from subscription_request where sent_at is null and failure is null
               limit ${waitingRequestsMaximum}) waiting) as waiting
      from subscription_request where email_key = ${emailKey} and created_at > now() - interval '1 day'`);
    const { recently = false, today = 0, waiting = 0 } = rows[0] ?? {};
    if (waiting >= waitingRequestsMaximum) return 'full';
    if (recently || today >= requestLimits.perDay) return 'limited';
    await tx.execute(sql`
      insert into subscription_request (id, list_id, email, email_key, first_name, last_name, language, via, wording)
      values (${randomUUID()}, ${listId}, ${email}, ${emailKey}, ${firstName}, ${lastName}, ${language}, ${via},
              ${wording})`);
    return 'stored';
  });
}
