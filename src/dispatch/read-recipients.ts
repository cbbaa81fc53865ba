import { fillPlaceholders, type Query, type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { thoseWhoSayNoToLists } from '../contacts/audience/campaign-lists.ts';
import {
  type ExclusionSettings,
  exclusionCase,
  exclusionJoinsForGroup,
  type FurtherConditions,
  isInGroup,
} from '../contacts/audience/exclusion.ts';
import type { Recipient } from '../contacts/audience/recipient.ts';
import { contactsOfGroupAtLimit, hasLimits, letsNothingThrough } from '../contacts/audience/send-limit.ts';
import type { Database } from '../db/connect.ts';
import { hasNoOutcome } from '../db/has-no-outcome.ts';
import type { PositionRange } from '../domain/batch-plan.ts';
import type { FacetValues } from '../domain/facet.ts';
import { type ExclusionReason, exclusionReasons } from '../domain/outcome.ts';

/** One position of the queue that is to be sent now. */
export interface QueuedRecipient {
  readonly position: number;
  readonly variant: number;
  readonly language: string;
  readonly recipient: Recipient;
  /** Why this person must not get it after all: what changed since the campaign was queued is honoured here. */
  readonly exclusion: ExclusionReason | null;
  /** Earlier attempts that the mail server answered with "later". */
  readonly attempts: number;
  /** Time since the first of them, milliseconds, by the database's clock; 0 where there was none. */
  readonly sinceFirstAttemptMs: number;
  /** Its address was changed, and nothing is known yet of mail to the new one. */
  readonly hasNewAddress: boolean;
}

/** What is read is sent within this time, milliseconds, or read again: a "no" given in between still counts. */
const groupMs = 1_000;
/** The database may be slow to answer; a process that heard later than this was frozen meanwhile. Milliseconds. */
const slowestReadMs = 2_000;

/** Until when that counts as just read which was asked for at the given moment and has come now. Monotonic, milliseconds. */
export function freshUntil(askedAt: number): number {
  return Math.min(performance.now(), askedAt + slowestReadMs) + groupMs;
}

/** How many recipients to read at a time for a thread: as many as it sends within a second, and so many at the most. */
export function groupSize(sleepMs: number, largest: number): number {
  return Math.max(1, Math.min(largest, Math.ceil(groupMs / Math.max(1, sleepMs))));
}

/** The columns of the statement below, in their order. */
type Row = [
  position: number,
  variant: number,
  language: string,
  contactId: number,
  email: string | null,
  firstName: string | null,
  lastName: string | null,
  ownLanguage: string | null,
  facets: FacetValues | null,
  exclusion: ExclusionReason | null,
  /** Whether the address has opted out of any list, of this campaign or not. */
  listOptOut: boolean | null,
  attempts: number | null,
  sinceFirstMs: number | null,
  historyPending: boolean | null,
];

const placeholder = (name: string): SQL => sql`${sql.placeholder(name)}`;
const campaign = placeholder('campaign');
const first = placeholder('first');
const last = placeholder('last');
const most = placeholder('most');

/**
 * What was dealt to a recipient, else the winner of the A/B test: nobody is sent to before that is chosen. The subquery is one
 * for all rows, and asked only where it is needed.
 */
const itsVariant = sql`coalesce(q.variant, (select winner from campaign where id = ${campaign}))`;

/** Whether a table has a row of the range: one look into its primary key, in whose order it stands so that nothing else is planned. */
const hasSome = (table: SQL) => sql`(select true from ${table}
      where campaign_id = ${campaign} and position between ${first} and ${last} order by position limit 1)`;

/** The addresses of the group. */
const keys = sql`(select keys from address)::text[]`;

/**
 * Each step hands a group to the next, whatever the planner thinks of it: half the instructions of looking up each
 * recipient in each table by itself, and no statistics make a join of a million rows of it.
 *
 * `queued` goes through the range in the order of its primary key and stops at the group's last. The planner must not
 * know that its limit is all of the range: it would fetch and sort the whole range for each group. What was attempted
 * before is looked up one by one (`hasNoOutcome`), but only where there is anything in the range at all, which there hardly
 * ever is before the later rounds.
 *
 * `found` are their contacts, fetched by an array of ids in one walk over the index. The join is a full one, though no
 * contact is without its place in the queue: it can only be planned as a hash or a merge, never as a comparison of each with
 * each.
 *
 * Opt-outs of the campaign's lists take a second statement, for the few people that have opted out of any list.
 */
const statementFor = (settings: ExclusionSettings): SQL => sql`
    with queued as materialized (
      select q.position, ${itsVariant} as variant, q.language, q.contact_id, d.attempts, d.first_at
        from (select * from dispatch_queue where campaign_id = ${campaign} and position between ${first} and ${last}
               order by position limit (select ${last}::int - ${first}::int + 1)) q
        left join lateral (select attempts, first_at, due_at from dispatch_deferral
                            where ${hasSome(sql`dispatch_deferral`)}
                              and campaign_id = q.campaign_id and position = q.position limit 1) d on true
       where ${itsVariant} is not null and (${hasSome(sql`dispatch_outcome`)} is null or ${hasNoOutcome(sql`q`)})
         and (d.due_at is null or d.due_at <= now())
       order by q.position
       limit ${most}
    ), found as materialized (
      select * from contact where id = any (array(select contact_id from queued))
    ), address as materialized (
      select array_agg(email_key order by email_key) as keys from found
    )${limited(settings)}
    select queued.position, queued.variant, queued.language, queued.contact_id::float8, judged.email, judged.first_name,
           judged.last_name, judged.language, judged.facets,
           case when judged.id is null then 'no-address' else judged.exclusion end, judged.list_opt_out,
           queued.attempts, (extract(epoch from now() - queued.first_at) * 1000)::float8,
           nullif(judged.history_pending, false)
      from queued full join (
        select contact.*, ${exclusionCase(settings, limitOf(settings))} as exclusion,
               case when list_opt_out.email_key is not null then true end as list_opt_out
          from found contact ${exclusionJoinsForGroup(settings, keys)} ${isInGroup('list_opt_out', keys)}
      ) judged on judged.id = queued.contact_id`;

/** Who of the group is at a send limit by now. Nothing where none is set. */
function limited({ sendLimits }: ExclusionSettings): SQL {
  if (!hasLimits(sendLimits)) return sql``;
  const contacts = sql`array(select contact_id from queued)`;
  return sql`, limited as materialized (${contactsOfGroupAtLimit(sendLimits, campaign, contacts, 'earlier')})`;
}

function limitOf({ sendLimits }: ExclusionSettings): FurtherConditions {
  if (!hasLimits(sendLimits)) return {};
  const isAtLimit = sql`contact.id in (select contact_id from limited)`;
  return { 'send-limit': letsNothingThrough(sendLimits) ? sql`true` : isAtLimit };
}

const dialect = new PgDialect();
/** Made once for the settings of a process. */
const queries = new WeakMap<ExclusionSettings, Query>();

function queryFor(settings: ExclusionSettings): Query {
  const query = queries.get(settings) ?? dialect.sqlToQuery(statementFor(settings));
  queries.set(settings, query);
  return query;
}

/**
 * The next recipients of a range that have no outcome and are due, in the order of their positions.
 *
 * The statement is planned each time, for what a table holds changes by the million while a connection lives: a prepared
 * one would go on with the plan of an empty ledger, reading all of it for each group. For a group of 1,400 planning is a
 * tenth of what they cost.
 */
export async function readRecipients(
  db: Database,
  campaignId: string,
  range: PositionRange,
  limit: number,
  settings: ExclusionSettings,
): Promise<QueuedRecipient[]> {
  const { sql: text, params } = queryFor(settings);
  const values = fillPlaceholders(params, { campaign: campaignId, ...range, most: limit });
  const { rows } = await db.$client.query<Row>({ text, values, rowMode: 'array' });
  // They come as the contacts were joined.
  rows.sort(([one], [other]) => one - other);
  const asked = settings.overruled?.includes('list-opt-out')
    ? []
    : rows.filter((row) => row[10] === true && yieldsToListOptOut(row[9]));
  const optedOut = await thoseWhoSayNoToLists(
    db,
    campaignId,
    asked.map((row) => row[3]),
  );
  return rows.map((row) => queuedRecipient(row, optedOut));
}

/** Whether an opt-out of the campaign's lists is the stronger reason, which is the one that is booked. */
function yieldsToListOptOut(exclusion: ExclusionReason | null): boolean {
  return exclusion === null || exclusionReasons.indexOf(exclusion) > exclusionReasons.indexOf('list-opt-out');
}

function queuedRecipient(
  [
    position,
    variant,
    queuedLanguage,
    contactId,
    email,
    firstName,
    lastName,
    language,
    facets,
    exclusion,
    ,
    attempts,
    sinceFirstMs,
    historyPending,
  ]: Row,
  optedOut: ReadonlySet<number>,
): QueuedRecipient {
  return {
    position,
    variant,
    language: queuedLanguage,
    recipient: {
      contactId,
      email: email ?? '',
      firstName: firstName ?? '',
      lastName: lastName ?? '',
      language: language ?? '',
      facets: facets ?? {},
    },
    exclusion: yieldsToListOptOut(exclusion) && optedOut.has(contactId) ? 'list-opt-out' : exclusion,
    attempts: attempts ?? 0,
    sinceFirstAttemptMs: sinceFirstMs ?? 0,
    hasNewAddress: historyPending ?? false,
  };
}
