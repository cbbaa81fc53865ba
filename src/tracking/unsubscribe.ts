import type { Database } from '../db/connect.ts';
import { cleanUserAgent } from './event-inbox.ts';
import type { TokenPayload } from './token.ts';

/** `all`: the global opt-out list. `lists`: an opt-out of those lists the campaign went to that the person is on. */
export type UnsubscribeScope = 'all' | 'lists';

/** `gone`: the contact no longer exists, so nothing can be sent to it. */
export type UnsubscribeResult = 'unsubscribed' | 'already' | 'gone';

const statementTimeoutMs = 5_000;

/** The address that is opted out is the contact's present one: that is where mail would go. */
const optOutOfAll = `
  with person as (select id, email_key from contact where id = $1::bigint),
       opted as (insert into global_opt_out (email_key, reason) select email_key, $5::text from person
                 on conflict do nothing returning 1),
       event as (insert into event_inbox (type, campaign_id, position, contact_id, user_agent)
                 select 'UnsubscribedFromEmail', $2::text, $3::int, $1::bigint, $4::text from opted)
  select (select count(*) from person)::int as contacts, (select count(*) from opted)::int as changed`;

/** The memberships stay, and the opt-outs stand beside them: no import takes them back. */
const optOutOfLists = `
  with person as (select id, email_key from contact where id = $1::bigint),
       opted as (insert into list_opt_out (list_id, email_key, reason)
                 select l.list_id, person.email_key, $5::text
                 from person
                 join list_member m on m.contact_id = person.id
                 join campaign_list l on l.list_id = m.list_id and l.campaign_id = $2::text and l.role = 'include'
                 order by l.list_id
                 on conflict do nothing returning 1),
       event as (insert into event_inbox (type, campaign_id, position, contact_id, user_agent)
                 select 'UnsubscribedFromEmail', $2::text, $3::int, $1::bigint, $4::text where exists (select from opted))
  select (select count(*) from person)::int as contacts, (select count(*) from opted)::int as changed`;

/**
 * Unsubscribes the recipient of a message: the effect and its event by one statement, both or neither. It holds for
 * all that is sent from then on, also for what is queued already, because consent is looked at when a message is sent.
 * Doing it again changes nothing.
 *
 * @throws the database's error where it could not be stored; the person must then not be told that it is done.
 */
export async function unsubscribe(
  db: Database,
  { campaignId, position, contactId }: TokenPayload,
  scope: UnsubscribeScope,
  userAgent: string,
): Promise<UnsubscribeResult> {
  const reason = `unsubscribed from ${campaignId}`;
  const statement = {
    text: scope === 'all' ? optOutOfAll : optOutOfLists,
    values: [contactId, campaignId, position, cleanUserAgent(userAgent), reason],
  };
  const { rows } = await db.$client.query<{ contacts: number; changed: number }>({
    ...statement,
    query_timeout: statementTimeoutMs,
  } as typeof statement);
  const { contacts = 0, changed = 0 } = rows[0] ?? {};
  return contacts === 0 ? 'gone' : changed > 0 ? 'unsubscribed' : 'already';
}
