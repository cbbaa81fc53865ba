import { fillPlaceholders, type Query, type SQL, sql } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import { thoseWhoSayNoToLists } from '../contacts/campaign-lists.ts';
import { type ExclusionSettings, exclusionCase, exclusionJoins } from '../contacts/exclusion.ts';
import type { Recipient } from '../contacts/recipient.ts';
import type { Database } from '../db/connect.ts';
import { hasNoOutcome } from '../db/has-no-outcome.ts';
import type { PositionRange } from '../domain/batch-plan.ts';
import type { ExclusionReason } from '../domain/outcome.ts';

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
  facets: Record<string, string> | null,
  exclusion: ExclusionReason | null,
  /** Whether the address has opted out of any list, of this campaign or not. */
  listOptOut: boolean | null,
  attempts: number | null,
  sinceFirstMs: number | null,
];

const [campaign, first, last, most] = ['campaign', 'first', 'last', 'most'].map((name) =>
  sql.placeholder(name),
);

/**
 * What was dealt to a recipient, else the winner of the A/B test: nobody is sent to before that is chosen. The subquery is one
 * for all rows, and asked only where it is needed.
 */
const itsVariant = sql`coalesce(q.variant, (select winner from campaign where id = ${campaign}))`;

/**
 * Opt-outs of the campaign's lists take a second statement, for the few people that have opted out of any list.
 * The whole condition in this one cost 0.35 to 0.45 ms of every group of 100, most of it planning; the look
 * whether there is an opt-out at all costs 0.02 ms where there are none and 0.1 ms where there are many. It is a
 * scalar subquery, since EXISTS was planned as a hash of all opt-outs: 6 ms of every group with 40,000 of them.
 *
 * Everything is looked up by its key, recipient by recipient, which LIMIT makes sure of, and never joined: see
 * `hasNoOutcome`. Only so many as are asked for are looked up.
 */
const statementFor = (settings: ExclusionSettings): SQL => sql`
    select q.position, q.variant, q.language, q.contact_id::float8, c.email, c.first_name, c.last_name, c.language, c.facets,
           case when c.id is null then 'no-address' else c.exclusion end, c.list_opt_out, q.attempts,
           (extract(epoch from now() - q.first_at) * 1000)::float8
      from (select q.position, ${itsVariant} as variant, q.language, q.contact_id, d.attempts, d.first_at
              from dispatch_queue q
              left join lateral (select attempts, first_at, due_at from dispatch_deferral
                                  where campaign_id = q.campaign_id and position = q.position limit 1) d on true
             where q.campaign_id = ${campaign} and q.position between ${first} and ${last}
               and ${itsVariant} is not null and ${hasNoOutcome(sql`q`)}
               and (d.due_at is null or d.due_at <= now())
             order by q.position
             limit ${most}) q
      left join lateral (select contact.*, ${exclusionCase(settings)} as exclusion,
                                (select true from list_opt_out own
                                  where own.email_key = contact.email_key limit 1) as list_opt_out
                           from contact ${exclusionJoins(settings)}
                          where contact.id = q.contact_id limit 1) c on true
     order by q.position`;

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
 * one would go on with the plan of an empty ledger, reading all of it for each recipient. For a group of 700 planning is a
 * twelfth of what they cost.
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
  const asked = rows.filter((row) => row[10] === true && row[9] === null);
  const optedOut = await thoseWhoSayNoToLists(
    db,
    campaignId,
    asked.map((row) => row[3]),
  );
  return rows.map((row) => queuedRecipient(row, optedOut));
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
    exclusion: exclusion ?? (optedOut.has(contactId) ? 'list-opt-out' : null),
    attempts: attempts ?? 0,
    sinceFirstAttemptMs: sinceFirstMs ?? 0,
  };
}
