import { isNewOptOut, saidAgain } from '../contacts/consent/said-again.ts';
import type { Database } from '../db/connect.ts';
import { cleanUserAgent } from './event-inbox.ts';
import type { TokenPayload } from './links/token.ts';

/** `all`: the global opt-out list. `lists`: an opt-out of the campaign's lists that the person gets mail by. */
export type UnsubscribeScope = 'all' | 'lists';

/**
 * `gone`: the contact no longer exists, so nothing can be sent to it. `no-lists`: nobody knows any more which lists
 * the campaign went to, because it was deleted; nothing was changed.
 */
export type UnsubscribeResult = 'unsubscribed' | 'already' | 'gone' | 'no-lists';

export interface Unsubscribed {
  readonly result: UnsubscribeResult;
  /**
   * Of `unsubscribed`: when, microseconds since 1970, as digits. All that this one call has put on record carries it, so
   * that `undoUnsubscribe` takes back exactly that, as long as nobody has said the same again (`saidAgain`).
   */
  readonly at?: string;
}

const statementTimeoutMs = 5_000;

/**
 * The address that is opted out is the contact's present one: that is where mail would go. One that is just being changed is
 * waited for. Of what is entered late, nobody who has subscribed anew since.
 */
const person = `person as (select id, email_key from contact where id = $1::bigint
             and ($6::timestamptz is null or not exists (
               select from subscription_request r where r.email_key = contact.email_key and r.purpose = 'subscribe' and r.confirmed_at > $6::timestamptz))
             for key share)`;

const optOutOfAll = `
  with ${person},
       opted as (insert into global_opt_out (email_key, reason) select email_key, $5::text from person
                 ${saidAgain('global_opt_out')} returning ${isNewOptOut}),
       event as (insert into event_inbox (type, campaign_id, position, contact_id, user_agent)
                 select 'UnsubscribedFromEmail', $2::text, $3::int, $1::bigint, $4::text from opted where is_new)
  select (select count(*) from person)::int as contacts, (select count(*) from opted where is_new)::int as changed, 1 as lists,
         (extract(epoch from now()) * 1000000)::bigint::text as at`;

/**
 * The memberships stay, and the opt-outs stand beside them: no import takes them back. Of segmented lists, all: whoever is
 * in none of them now may be tomorrow. Of static ones those that the person is on; who is on none, taken off since or named by a
 * DispatchManager, leaves all.
 */
const optOutOfLists = `
  with ${person},
       included as (select l.list_id, c.expression is not null as is_segment
                    from campaign_list l join contact_list c on c.id = l.list_id
                    where l.campaign_id = $2::text and l.role = 'include'),
       own as (select m.list_id from list_member m join included on included.list_id = m.list_id
               where m.contact_id = $1::bigint),
       opted as (insert into list_opt_out (list_id, email_key, reason)
                 select included.list_id, person.email_key, $5::text
                 from person cross join included
                 where included.is_segment or included.list_id in (select list_id from own) or not exists (select from own)
                 order by included.list_id
                 ${saidAgain('list_opt_out')} returning ${isNewOptOut}),
       event as (insert into event_inbox (type, campaign_id, position, contact_id, user_agent)
                 select 'UnsubscribedFromEmail', $2::text, $3::int, $1::bigint, $4::text where exists (select from opted where is_new))
  select (select count(*) from person)::int as contacts, (select count(*) from opted where is_new)::int as changed,
         (select count(*) from included)::int as lists, (extract(epoch from now()) * 1000000)::bigint::text as at`;

/**
 * Unsubscribes the recipient of a message: the effect and its event by one statement, both or neither. It holds for
 * all that is sent from then on, also for what is queued already, because consent is looked at when a message is sent.
 * Doing it again changes nothing. However old the message is, for nothing of the campaign is needed to opt out of all.
 *
 * @param askedAt where that was earlier, and could not be stored then
 * @throws the database's error where it could not be stored; the person must then not be told that it is done.
 */
export async function unsubscribe(
  db: Database,
  { campaignId, position, contactId }: TokenPayload,
  scope: UnsubscribeScope,
  userAgent: string,
  askedAt?: Date,
): Promise<Unsubscribed> {
  const reason = `unsubscribed from ${campaignId}`;
  const { rows } = await ask<{ contacts: number; changed: number; lists: number; at: string }>(
    db,
    scope === 'all' ? optOutOfAll : optOutOfLists,
    [contactId, campaignId, position, cleanUserAgent(userAgent), reason, askedAt?.toISOString() ?? null],
  );
  const { contacts = 0, changed = 0, lists = 0, at = '' } = rows[0] ?? {};
  if (contacts === 0) return { result: 'gone' };
  if (changed > 0) return { result: 'unsubscribed', at };
  return { result: lists === 0 ? 'no-lists' : 'already' };
}

const undo = `
  with person as (select email_key from contact where id = $1::bigint),
       everything as (delete from global_opt_out using person
                      where global_opt_out.email_key = person.email_key
                        and (extract(epoch from created_at) * 1000000)::bigint = $2::bigint returning 1),
       lists as (delete from list_opt_out using person
                 where list_opt_out.email_key = person.email_key
                   and (extract(epoch from created_at) * 1000000)::bigint = $2::bigint returning 1)
  select ((select count(*) from everything) + (select count(*) from lists))::int as undone`;

/**
 * Takes back what one call of `unsubscribe`, or one leaving of lists, has put on record, and no other "no": neither one given
 * before nor one given since.
 *
 * @returns false where nothing of it is left to be taken back.
 * @throws the database's error where it could not be stored.
 */
export async function undoUnsubscribe(
  db: Database,
  { contactId }: Pick<TokenPayload, 'contactId'>,
  at: string,
): Promise<boolean> {
  const { rows } = await ask<{ undone: number }>(db, undo, [contactId, at]);
  return (rows[0]?.undone ?? 0) > 0;
}

async function ask<Row extends object>(db: Database, text: string, values: readonly unknown[]) {
  const statement = { text, values: [...values], query_timeout: statementTimeoutMs };
  return await db.$client.query<Row>(statement as { text: string; values: unknown[] });
}
