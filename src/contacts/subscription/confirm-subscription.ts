import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { confirmationDays } from '../../domain/subscription.ts';
import { lockAddresses } from '../addresses/address-lock.ts';
import { takeLeftBounces } from '../addresses/left-mailbox.ts';
import { keepGeneralNoBut } from '../consent/general-no.ts';
import { waitShortly } from '../wait-shortly.ts';

/** What the confirmation page says and does. */
export interface SubscriptionRequest {
  readonly purpose: 'subscribe';
  readonly state: 'open' | 'confirmed' | 'late';
  readonly email: string;
  readonly language: string;
  readonly wording: string;
  /** The list's name, for the way back to its form; empty for a segmented list, which has none. */
  readonly formName: string;
  readonly title: string;
  /** The person has unsubscribed from everything. */
  readonly isOptedOut: boolean;
}

interface RequestRow extends SubscriptionRequest {
  readonly listId: number;
  readonly emailKey: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly isSegment: boolean;
}

/** A request by its id; undefined where there is none, or its list is gone or no longer public. */
export async function findSubscriptionRequest(
  db: Queries,
  id: string,
): Promise<SubscriptionRequest | undefined> {
  return await read(db, id);
}

/**
 * Makes a subscription real that its person has confirmed, once: the contact is made or found, is a member of the list, and
 * its earlier "no" to this list and to everything is taken back. A "no" to everything stays one to every other list. What only
 * the operator says (DoNotMarket, ConsentRevoked, the suppression list) stays as it is. The request is kept: it is the proof
 * of consent.
 *
 * @returns how it was before; undefined as `findSubscriptionRequest`. Only `open` changes anything.
 * @throws the database's error where an import merges the contact: nothing was changed, and it may be tried again
 */
export async function confirmSubscription(
  db: Database,
  id: string,
): Promise<SubscriptionRequest | undefined> {
  return await db.transaction(async (tx) => {
    await waitShortly(tx);
    const asked = await read(tx, id);
    if (asked?.state !== 'open') return asked;
    // Before the request itself: whoever erases a person comes upon it in this order.
    await lockAddresses(tx, [asked.emailKey]);
    const request = await read(tx, id, sql` for update of request`);
    if (request?.state !== 'open') return request;
    const { listId, emailKey, email, firstName, lastName, language, isSegment } = request;
    // Whoever leaves lists by a page meanwhile comes before or after, not in between.
    await tx.execute(sql`select from contact where email_key = ${emailKey} for update`);
    // Names and language were typed by whoever filled in the form: they fill gaps, and change nothing that is known.
    const made = await tx.execute<{ id: number }>(sql`
      with here as (${takeLeftBounces(emailKey)})
      insert into contact as c (email, email_key, first_name, last_name, language)
      values (${email}, ${emailKey}, ${firstName}, ${lastName}, ${language})
      on conflict (email_key) do update set bounce_count = 0, updated_at = now(),
        first_name = coalesce(nullif(c.first_name, ''), excluded.first_name),
        last_name = coalesce(nullif(c.last_name, ''), excluded.last_name),
        language = coalesce(nullif(c.language, ''), excluded.language)
      returning c.id::float8 as id`);
    if (!isSegment) {
      await tx.execute(sql`
        insert into list_member (list_id, contact_id) values (${listId}, ${made.rows[0]?.id}) on conflict do nothing`);
    }
    await keepGeneralNoBut(tx, emailKey, [listId]);
    await tx.execute(sql`delete from list_opt_out where list_id = ${listId} and email_key = ${emailKey}`);
    await tx.execute(sql`update subscription_request set confirmed_at = now() where id = ${id}`);
    return request;
  });
}

async function read(db: Queries, id: string, lock = sql``): Promise<RequestRow | undefined> {
  const { rows } = await db.execute<Record<string, unknown> & RequestRow>(sql`
    select purpose, case when confirmed_at is not null then 'confirmed'
                when coalesce(sent_at, request.created_at) < now() - make_interval(days => ${confirmationDays}) then 'late'
                else 'open' end as state,
           email, email_key as "emailKey", first_name as "firstName", last_name as "lastName", language, wording,
           list.id as "listId", list.title, list.expression is not null as "isSegment",
           case when list.expression is null then list.name else '' end as "formName",
           exists (select from global_opt_out o where o.email_key = request.email_key) as "isOptedOut"
    from subscription_request request join contact_list list on list.id = request.list_id
    where request.id = ${id} and list.title is not null${lock}`);
  return rows[0];
}
