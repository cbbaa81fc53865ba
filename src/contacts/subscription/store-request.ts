import { randomUUID } from 'node:crypto';
import { type SQL, sql } from 'drizzle-orm';
import { advisoryLocks } from '../../db/advisory-locks.ts';
import type { Database, Queries } from '../../db/connect.ts';
import { type RequestPurpose, requestLimits, waitingRequestsMaximum } from '../../domain/subscription.ts';

export interface NewRequest {
  readonly purpose: RequestPurpose;
  /** Of `subscribe`. */
  readonly listId?: number;
  /** Of all else. */
  readonly contactId?: number;
  /** Whose owner is asked. */
  readonly email: string;
  readonly emailKey: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly language: string;
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

interface Counts extends Record<string, unknown> {
  readonly recently: boolean;
  readonly today: number;
  readonly ofContact: number;
  readonly waiting: number;
}

/**
 * Stores what somebody asked for, within the limits; the processing role has a mail sent that asks to confirm it. Whether
 * the address is a contact, subscribed or suppressed makes no difference here, so that nobody learns it.
 */
export async function storeWithinLimits(db: Database, request: NewRequest): Promise<RequestResult> {
  const { emailKey, listId = null, contactId = null } = request;
  return await db.transaction(async (tx) => {
    await tx.execute(sql.raw(`set local statement_timeout = ${statementTimeoutMs}`));
    // One after the other for each address, and for each contact that wants another: two that come at once are two.
    await lock(tx, sql`${emailKey}`);
    if (contactId !== null) await lock(tx, sql`${`contact ${contactId}`}`);
    const { rows } = await tx.execute<Counts>(sql`
      select coalesce(bool_or((list_id, contact_id) is not distinct from (${listId}::int, ${contactId}::bigint)
               and created_at > now() - make_interval(mins => ${requestLimits.perListMinutes})), false) as recently,
             count(*)::int as today,
             (select count(*)::int from subscription_request
               where contact_id = ${contactId}::bigint and purpose = 'new-address'
                 and created_at > now() - interval '1 day') as "ofContact",
             (select count(*)::int from (select from subscription_request where sent_at is null and failure is null
               limit ${waitingRequestsMaximum}) waiting) as waiting
      from subscription_request where email_key = ${emailKey} and created_at > now() - interval '1 day'`);
    const { recently = false, today = 0, ofContact = 0, waiting = 0 } = rows[0] ?? {};
    if (waiting >= waitingRequestsMaximum) return 'full';
    if (recently || today >= requestLimits.perDay || ofContact >= requestLimits.addressesPerDay)
      return 'limited';
    await storeRequest(tx, request);
    return 'stored';
  });
}

/** Stores what follows from something that was confirmed: no limit may keep it back. */
export async function storeRequest(tx: Queries, request: NewRequest): Promise<void> {
  const { purpose, listId = null, contactId = null, email, emailKey, language, via, wording } = request;
  const { firstName = '', lastName = '' } = request;
  // Of two of one contact the later one has the later date, whenever its transaction began.
  await tx.execute(sql`
    insert into subscription_request
      (id, purpose, list_id, contact_id, email, email_key, first_name, last_name, language, via, wording, created_at)
    values (${randomUUID()}, ${purpose}, ${listId}, ${contactId}, ${email}, ${emailKey}, ${firstName}, ${lastName},
            ${language}, ${via}, ${wording}, clock_timestamp())`);
}

async function lock(tx: Queries, text: SQL): Promise<void> {
  await tx.execute(
    sql`select pg_advisory_xact_lock(${advisoryLocks.subscriptionRequests}, hashtext(${text}))`,
  );
}
