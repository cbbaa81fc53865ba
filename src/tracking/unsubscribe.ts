import { type SQL, sql } from 'drizzle-orm';
import { keepGeneralNoBut } from '../contacts/consent/general-no.ts';
import { isNewOptOut, saidAgain } from '../contacts/consent/said-again.ts';
import { waitShortly } from '../contacts/wait-shortly.ts';
import type { Database } from '../db/connect.ts';
import { timedQuery } from '../db/timed-query.ts';
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

interface Asked extends TokenPayload {
  readonly userAgent: string;
  /** Where that was earlier. */
  readonly askedAt?: Date | undefined;
}

const reasonOf = ({ campaignId }: Asked) => sql`${`unsubscribed from ${campaignId}`}::text`;
const isNew = sql.raw(isNewOptOut);

/**
 * The address that is opted out is the contact's present one: that is where mail would go. One that is just being changed is
 * waited for.
 */
const personOf = ({ contactId }: Asked) =>
  sql`person as (select id, email_key from contact where id = ${contactId}::bigint for key share)`;

/** Behind `opted`, one event for all that is new. */
const eventOf = ({ campaignId, position, contactId, userAgent }: Asked) =>
  sql`event as (insert into event_inbox (type, campaign_id, position, contact_id, user_agent)
                 select 'UnsubscribedFromEmail', ${campaignId}::text, ${position}::int, ${contactId}::bigint, ${userAgent}::text
                 where exists (select from opted where is_new))`;

const counted = sql`(select count(*) from person)::int as contacts, (select count(*) from opted where is_new)::int as changed,
         (extract(epoch from now()) * 1000000)::bigint::text as at`;

const optOutOfAll = (asked: Asked): SQL => sql`
  with ${personOf(asked)},
       opted as (insert into global_opt_out (email_key, reason) select email_key, ${reasonOf(asked)} from person
                 ${sql.raw(saidAgain('global_opt_out'))} returning ${isNew}),
       ${eventOf(asked)}
  select ${counted}, 1 as lists`;

/**
 * The memberships stay, and the opt-outs stand beside them: no import takes them back. Of segmented lists, all: whoever is
 * in none of them now may be tomorrow. Of static ones those that the person is on; who is on none, taken off since or named by a
 * DispatchManager, leaves all. Of what is entered late, no list that they have subscribed to since.
 */
const optOutOfLists = (asked: Asked): SQL => sql`
  with ${personOf(asked)},
       included as (select l.list_id, c.expression is not null as is_segment
                    from campaign_list l join contact_list c on c.id = l.list_id
                    where l.campaign_id = ${asked.campaignId}::text and l.role = 'include'),
       own as (select m.list_id from list_member m join included on included.list_id = m.list_id
               where m.contact_id = ${asked.contactId}::bigint),
       opted as (insert into list_opt_out (list_id, email_key, reason)
                 select included.list_id, person.email_key, ${reasonOf(asked)}
                 from person cross join included
                 where (included.is_segment or included.list_id in (select list_id from own) or not exists (select from own))
                   and not exists (select from (${subscribedSince(asked)}) r
                                    where r.email_key = person.email_key and r.list_id = included.list_id)
                 order by included.list_id
                 ${sql.raw(saidAgain('list_opt_out'))} returning ${isNew}),
       ${eventOf(asked)}
  select ${counted}, (select count(*) from included)::int as lists`;

/** What was subscribed to since it was asked for; nothing where that is now. */
function subscribedSince({ askedAt }: Asked): SQL {
  return sql`select r.email_key, r.list_id from subscription_request r
    where r.purpose = 'subscribe' and r.confirmed_at > ${askedAt?.toISOString() ?? null}::timestamptz`;
}

/**
 * Unsubscribes the recipient of a message: the effect and its event by one statement, both or neither. It holds for
 * all that is sent from then on, also for what is queued already, because consent is looked at when a message is sent.
 * Doing it again changes nothing. However old the message is, for nothing of the campaign is needed to opt out of all.
 *
 * @param askedAt where that was earlier, and could not be stored then: lists that the person has subscribed to since stay
 * @throws the database's error where it could not be stored; the person must then not be told that it is done.
 */
export async function unsubscribe(
  db: Database,
  payload: TokenPayload,
  scope: UnsubscribeScope,
  userAgent: string,
  askedAt?: Date,
): Promise<Unsubscribed> {
  const asked = { ...payload, userAgent: cleanUserAgent(userAgent), askedAt };
  if (scope === 'lists')
    return resultOf(await timedQuery<Counted>(db, optOutOfLists(asked), statementTimeoutMs));
  if (askedAt === undefined)
    return resultOf(await timedQuery<Counted>(db, optOutOfAll(asked), statementTimeoutMs));
  return await optOutOfAllLate(db, asked);
}

type Counted = { contacts: number; changed: number; lists: number; at: string };

function resultOf({ rows }: { readonly rows: readonly Counted[] }): Unsubscribed {
  const { contacts = 0, changed = 0, lists = 0, at = '' } = rows[0] ?? {};
  if (contacts === 0) return { result: 'gone' };
  if (changed > 0) return { result: 'unsubscribed', at };
  return { result: lists === 0 ? 'no-lists' : 'already' };
}

/** Who has subscribed to lists since keeps these, and the "no" is one to everything else, as if it had been stored before. */
async function optOutOfAllLate(db: Database, asked: Asked): Promise<Unsubscribed> {
  return await db.transaction(async (tx) => {
    await waitShortly(tx, statementTimeoutMs);
    const result = resultOf(await tx.execute<Counted>(optOutOfAll(asked)));
    if (result.result !== 'unsubscribed') return result;
    const { rows } = await tx.execute<{ emailKey: string; listIds: number[] }>(sql`
      select contact.email_key as "emailKey", array_agg(r.list_id) as "listIds"
        from contact join (${subscribedSince(asked)}) r on r.email_key = contact.email_key
       where contact.id = ${asked.contactId} group by contact.email_key`);
    for (const { emailKey, listIds } of rows) await keepGeneralNoBut(tx, emailKey, listIds);
    return result;
  });
}

const undo = (contactId: number, at: string): SQL => sql`
  with person as (select email_key from contact where id = ${contactId}::bigint),
       everything as (delete from global_opt_out using person
                      where global_opt_out.email_key = person.email_key
                        and (extract(epoch from created_at) * 1000000)::bigint = ${at}::bigint returning 1),
       lists as (delete from list_opt_out using person
                 where list_opt_out.email_key = person.email_key
                   and (extract(epoch from created_at) * 1000000)::bigint = ${at}::bigint returning 1)
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
  const { rows } = await timedQuery<{ undone: number }>(db, undo(contactId, at), statementTimeoutMs);
  return (rows[0]?.undone ?? 0) > 0;
}
