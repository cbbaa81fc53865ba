import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { segmentMembers } from '../segments/segment-members.ts';
import { waitShortly } from '../wait-shortly.ts';
import { isNewOptOut, saidAgain } from './said-again.ts';

/** What a person may choose on the preference page, and what is known of the person there. */
export interface Preferences {
  readonly email: string;
  readonly emailKey: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly language: string;
  /** On the global opt-out list: nothing is sent, whatever is ticked. */
  readonly isOptedOut: boolean;
  /** Lists with a title; internal ones are nobody's business. */
  readonly lists: readonly PreferenceList[];
}

export interface PreferenceList {
  readonly id: number;
  readonly title: string;
  /** True where the person gets the list's mail, but for a "no" to everything. */
  readonly isOn: boolean;
}

/** Lists that the page shows at the most. */
const listsMaximum = 100;

/** @returns undefined where the contact no longer exists */
export async function readPreferences(db: Queries, contactId: number): Promise<Preferences | undefined> {
  const people = await db.execute<Omit<Preferences, 'lists'> & Record<string, unknown>>(sql`
    select email, email_key as "emailKey", first_name as "firstName", last_name as "lastName", language,
           exists (select from global_opt_out o where o.email_key = contact.email_key) as "isOptedOut"
    from contact where id = ${contactId}`);
  const [person] = people.rows;
  if (person === undefined) return undefined;
  const { rows } = await db.execute<ListRow & Record<string, unknown>>(sql`
    select id, title, expression,
           exists (select from list_member m where m.list_id = list.id and m.contact_id = ${contactId}) as "isMember",
           exists (select from list_opt_out o where o.list_id = list.id and o.email_key = ${person.emailKey}) as "hasLeft"
    from contact_list list where title is not null
    order by lower(title), id limit ${listsMaximum}`);
  const lists: PreferenceList[] = [];
  for (const { id, title, expression, isMember, hasLeft } of rows) {
    const belongs = expression === null ? isMember : await isInSegment(db, expression, contactId);
    // Nobody joins a segment: whoever is not in it has no choice about it.
    if (expression === null || belongs) lists.push({ id, title, isOn: belongs && !hasLeft });
  }
  return { ...person, lists };
}

interface ListRow {
  readonly id: number;
  readonly title: string;
  readonly expression: string | null;
  readonly isMember: boolean;
  readonly hasLeft: boolean;
}

async function isInSegment(db: Queries, expression: string, contactId: number): Promise<boolean> {
  const { rows } = await db.execute(segmentMembers(expression, sql`contact.id = ${contactId}`));
  return rows.length > 0;
}

export interface PreferenceChange {
  /** Lists whose mail the person does not want any more. */
  readonly leave: readonly number[];
  readonly firstName: string;
  readonly lastName: string;
  readonly language: string;
}

export interface PreferencesSaved {
  readonly left: number;
  /** As of `Unsubscribed`: what takes the leaving back. */
  readonly at: string;
  /** Whether name or language are others now. */
  readonly isChanged: boolean;
}

/**
 * Stores what a person chose that may be stored at once: leaving lists, with its event as of an unsubscribe, and what was
 * said of oneself. Joining needs a confirmation: `requestSubscription`.
 */
export async function savePreferences(
  db: Database,
  { campaignId, position, contactId }: { campaignId: string; position: number; contactId: number },
  { leave, firstName, lastName, language }: PreferenceChange,
  userAgent: string,
): Promise<PreferencesSaved> {
  // By itself, so that no "no" is lost where the rest has to wait for an import and fails.
  const { rows } = await db.execute<{ left: number; at: string }>(sql`
      with person as (select email_key from contact where id = ${contactId} for key share),
           opted as (insert into list_opt_out (list_id, email_key, reason)
                     select list.id, person.email_key, ${`preferences, by a message of ${campaignId}`}
                     from person cross join contact_list list
                     where list.title is not null
                       and list.id = any(${sql.param([...leave])}::int[])
                     order by list.id ${sql.raw(saidAgain('list_opt_out'))} returning ${sql.raw(isNewOptOut)}),
           event as (insert into event_inbox (type, campaign_id, position, contact_id, user_agent)
                     select 'UnsubscribedFromEmail', ${campaignId}, ${position}::int, ${contactId}::bigint, ${userAgent}
                     where exists (select from opted where is_new))
      select (select count(*) from opted where is_new)::int as left, (extract(epoch from now()) * 1000000)::bigint::text as at`);
  const { left = 0, at = '' } = rows[0] ?? {};
  return await db.transaction(async (tx) => {
    await waitShortly(tx);
    const changed = await tx.execute(sql`
      update contact set first_name = ${firstName}, last_name = ${lastName}, language = ${language}, updated_at = now()
      where id = ${contactId}
        and (first_name, last_name, language) is distinct from (${firstName}, ${lastName}, ${language})`);
    return { left, at, isChanged: (changed.rowCount ?? 0) > 0 };
  });
}
