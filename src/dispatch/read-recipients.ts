import { type SQL, sql } from 'drizzle-orm';
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

interface Row extends Record<string, unknown> {
  position: number;
  variant: number;
  queuedLanguage: string;
  contactId: number;
  email: string | null;
  firstName: string | null;
  lastName: string | null;
  language: string | null;
  facets: Record<string, string> | null;
  exclusion: ExclusionReason | null;
  /** Whether the address has opted out of any list, of this campaign or not. */
  listOptOut: boolean | null;
  attempts: number | null;
  sinceFirstMs: number | null;
}

/**
 * What was dealt to a recipient, else the winner of the A/B test: nobody is sent to before that is chosen. The subquery is one
 * for all rows, and asked only where it is needed.
 */
function itsVariant(campaignId: string): SQL {
  return sql`coalesce(q.variant, (select winner from campaign where id = ${campaignId}))`;
}

/**
 * The next recipients of a range that have no outcome and are due, in the order of their positions.
 *
 * Opt-outs of the campaign's lists take a second statement, for the few people that have opted out of any list.
 * The whole condition in the first one cost 0.35 to 0.45 ms of every group of 100, most of it planning; the look
 * whether there is an opt-out at all costs 0.02 ms where there are none and 0.1 ms where there are many. It is a
 * scalar subquery, since EXISTS was planned as a hash of all opt-outs: 6 ms of every group with 40,000 of them.
 *
 * The ledger and the deferrals are looked up by position, never joined: see `hasNoOutcome`.
 */
export async function readRecipients(
  db: Database,
  campaignId: string,
  { first, last }: PositionRange,
  limit: number,
  settings: ExclusionSettings,
): Promise<QueuedRecipient[]> {
  const { rows } = await db.execute<Row>(sql`
    select q.position, ${itsVariant(campaignId)} as variant, q.language as "queuedLanguage", q.contact_id::float8 as "contactId",
           contact.email, contact.first_name as "firstName", contact.last_name as "lastName", contact.language,
           contact.facets, ${exclusionCase(settings)} as exclusion,
           (select true from list_opt_out own where own.email_key = contact.email_key limit 1) as "listOptOut",
           d.attempts, (extract(epoch from now() - d.first_at) * 1000)::float8 as "sinceFirstMs"
      from dispatch_queue q
      left join contact on contact.id = q.contact_id
      ${exclusionJoins(settings)}
      left join lateral (select attempts, first_at, due_at from dispatch_deferral
                          where campaign_id = q.campaign_id and position = q.position limit 1) d on true
     where q.campaign_id = ${campaignId} and q.position between ${first} and ${last}
       and ${itsVariant(campaignId)} is not null and ${hasNoOutcome(sql`q`)}
       and (d.due_at is null or d.due_at <= now())
     order by q.position
     limit ${limit}`);
  const asked = rows.filter((row) => row.listOptOut === true && row.exclusion === null);
  const optedOut = await thoseWhoSayNoToLists(
    db,
    campaignId,
    asked.map((row) => row.contactId),
  );
  return rows.map((row) => ({
    position: row.position,
    variant: row.variant,
    language: row.queuedLanguage,
    recipient: {
      contactId: row.contactId,
      email: row.email ?? '',
      firstName: row.firstName ?? '',
      lastName: row.lastName ?? '',
      language: row.language ?? '',
      facets: row.facets ?? {},
    },
    exclusion: row.exclusion ?? (optedOut.has(row.contactId) ? 'list-opt-out' : null),
    attempts: row.attempts ?? 0,
    sinceFirstAttemptMs: row.sinceFirstMs ?? 0,
  }));
}
