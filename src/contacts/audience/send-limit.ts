import { type SQL, sql } from 'drizzle-orm';
import { advisoryLocks } from '../../db/advisory-locks.ts';
import type { Queries } from '../../db/connect.ts';

/**
 * The manager root's send limits: how many messages a contact may be sent in a calendar day, an ISO week (from Monday) and
 * a month. One that is left out does not limit, 0 lets nothing through, and the strictest counts.
 */
export interface SendLimits {
  readonly day?: number | undefined;
  readonly week?: number | undefined;
  readonly month?: number | undefined;
  /** IANA name of the zone in which a day, a week and a month begin. */
  readonly timeZone: string;
}

const periods = ['day', 'week', 'month'] as const;

/** True where any limit is set: without one nobody pays for the question. */
export function hasLimits(limits: SendLimits | undefined): limits is SendLimits {
  return limits !== undefined && periods.some((period) => limits[period] !== undefined);
}

/**
 * Waits for every other campaign that is being queued, so that no two pass one limit together. Held until the transaction
 * ends.
 */
export async function lockSendLimits(tx: Queries): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${advisoryLocks.sendLimits})`);
}

/** Other campaigns whose messages count. */
export interface CountedCampaigns {
  /** Those that may have sent within a period that is limited, as an array. */
  readonly recent: SQL;
  /** Those of them that may still send. */
  readonly open: SQL;
}

/** As values, for the planner to know how many rows of the ledger those are. */
export async function countedCampaigns(
  db: Queries,
  campaignId: string,
  limits: SendLimits,
): Promise<CountedCampaigns> {
  const { rows } = await db.execute<{ id: string; isOpen: boolean }>(sql`
    select id, ${isOpen} as "isOpen" from campaign c
     where id <> ${campaignId} and queued is not null and ${mayHaveSent(limits)}`);
  const ids = (some: typeof rows) => sql`(${sql.param(some.map(({ id }) => id))}::text[])`;
  return { recent: ids(rows), open: ids(rows.filter((row) => row.isOpen)) };
}

/**
 * A query of one column, `contact_id`: everybody who may get no further message. What counts is what was sent, or may
 * have been, within a period by its date; and whoever is queued by another campaign and has no outcome yet, as if it were
 * sent now, for it may be sent at any time. Of test messages the ledger knows nothing.
 */
export function contactsAtLimit(limits: SendLimits, { recent, open }: CountedCampaigns): SQL {
  return sql`
    select contact_id from (
      select contact_id, at from dispatch_outcome
       where campaign_id = any ${recent} and ${countsAsSent} and at >= ${earliest(limits)}
      union all
      select contact_id, 'infinity' from dispatch_queue q
       where campaign_id = any ${open} and not exists (
         select from dispatch_outcome o where o.campaign_id = q.campaign_id and o.position = q.position)
    ) message group by contact_id having ${isReached(limits)}`;
}

/**
 * The same for some contacts, who are found by their places in queues.
 *
 * @param contacts their ids as an array
 * @param reserved whose places without an outcome count. At sending `earlier`: of campaigns that were made before this
 *   one, so that of two that must not both be sent exactly one is, whoever looks first.
 */
export function contactsOfGroupAtLimit(
  limits: SendLimits,
  campaignId: SQL,
  contacts: SQL,
  reserved: 'all' | 'earlier',
): SQL {
  const counts =
    reserved === 'all'
      ? isOpen
      : sql`${isOpen} and c.number < (select number from campaign where id = ${campaignId})`;
  return sql`
    select contact_id from (
      select q.contact_id, case when o.position is null then 'infinity' else o.at end as at
        from dispatch_queue q
        join campaign c on c.id = q.campaign_id
        left join dispatch_outcome o on o.campaign_id = q.campaign_id and o.position = q.position
       where q.contact_id = any (${contacts}) and q.campaign_id <> ${campaignId} and ${mayHaveSent(limits)}
         and case when o.position is null then ${counts} else ${countsAsSent} and o.at >= ${earliest(limits)} end
    ) message group by contact_id having ${isReached(limits)}`;
}

/** Whether nobody may get anything. */
export function letsNothingThrough(limits: SendLimits): boolean {
  return periods.some((period) => limits[period] === 0);
}

/** A message of which nobody knows counts: it may have arrived. */
const countsAsSent = sql`kind in ('sent', 'in_doubt')`;
/** Over the table `campaign` as `c`. */
const isOpen = sql`c.state not in ('Sent', 'Inactive')`;

function mayHaveSent(limits: SendLimits): SQL {
  return sql`(${isOpen} or c.ended_at is null or c.ended_at >= ${earliest(limits)})`;
}

function isReached(limits: SendLimits): SQL {
  const each = limited(limits).map(
    ([period, most]) => sql`count(*) filter (where at >= ${beginOf(period, limits)}) >= ${most}::int`,
  );
  return sql`(${sql.join(each, sql` or `)})`;
}

function earliest(limits: SendLimits): SQL {
  return sql`least(${sql.join(
    limited(limits).map(([period]) => beginOf(period, limits)),
    sql`, `,
  )})`;
}

function limited(limits: SendLimits): [period: (typeof periods)[number], most: number][] {
  return periods.flatMap((period) => {
    const most = limits[period];
    return most === undefined ? [] : [[period, most]];
  });
}

/** By the database's clock, so that all hosts agree on what day it is. */
function beginOf(period: (typeof periods)[number], { timeZone }: SendLimits): SQL {
  const zone = sql`${timeZone}::text`;
  return sql`date_trunc(${sql.raw(`'${period}'`)}, now() at time zone ${zone}) at time zone ${zone}`;
}
