import { sql } from 'drizzle-orm';
import { advisoryLocks } from '../db/advisory-locks.ts';
import type { Queries } from '../db/connect.ts';
import type { BounceDetail } from '../domain/feedback.ts';
import { classifyAgent } from './classify-agent.ts';
import { type AgentEvent, isFeedback } from './fold-events.ts';

/**
 * Contacts are dealt into so many buckets, and a processor works on whole buckets: the events of one contact are
 * never in two hands at once, so that repeats and different recipients are counted right by any number of processors.
 */
const bucketBits = 31;

/**
 * Takes up to `limit` events out of the inbox, oldest first within its buckets. They are gone when the transaction
 * `tx` commits and are there again where it does not; until then no other processor touches events of the same contacts.
 *
 * @returns an empty list where the inbox is empty, or where other processors are at work on all that is in it.
 */
export async function claimEvents(tx: Queries, limit: number): Promise<AgentEvent[]> {
  const buckets = await lockBuckets(tx, await bucketsWithWork(tx, limit), limit);
  if (buckets.length === 0) return [];
  const { rows } = await tx.execute<{
    type: string;
    campaignId: string;
    position: number;
    contactId: string;
    link: number | null;
    userAgent: string;
    detail: BounceDetail | null;
    at: number;
  }>(sql`
    delete from event_inbox where id in (
      select id from event_inbox where (contact_id & ${bucketBits})::int = any(${sql.param(buckets)}::int[])
       order by id limit ${limit})
    returning type, campaign_id as "campaignId", position, contact_id as "contactId", link,
              user_agent as "userAgent", detail, extract(epoch from at)::float8 * 1000 as "at"`);
  return rows.map(({ userAgent, contactId, at, detail, ...row }) => ({
    ...row,
    ...(detail === null ? {} : { detail }),
    contactId: Number(contactId),
    at: Math.floor(at),
    agent: isFeedback(row) ? 'mail-server' : classifyAgent(userAgent),
  }));
}

interface Bucket {
  readonly bucket: number;
  readonly events: number;
}

/** The buckets of the oldest events, and how many events each has among these. */
async function bucketsWithWork(tx: Queries, limit: number): Promise<Bucket[]> {
  const { rows } = await tx.execute<{ bucket: number; events: number }>(sql`
    select bucket, count(*)::int as events
      from (select (contact_id & ${bucketBits})::int as bucket from event_inbox order by id limit ${4 * limit}) oldest
     group by bucket`);
  return rows;
}

/**
 * Locks, until the transaction ends, as many free buckets as make up `limit` events. In no particular order, so that
 * processors that start together seldom want the same ones; it never waits for one.
 */
async function lockBuckets(tx: Queries, candidates: readonly Bucket[], limit: number): Promise<number[]> {
  const queue = shuffled(candidates);
  const locked: number[] = [];
  let events = 0;
  while (events < limit && queue.length > 0) {
    const wanted: Bucket[] = [];
    while (queue.length > 0 && events + sumOf(wanted) < limit) wanted.push(...queue.splice(0, 1));
    const { rows } = await tx.execute<{ bucket: number }>(sql`
      select bucket from unnest(${sql.param(wanted.map((one) => one.bucket))}::int[]) as bucket
       where pg_try_advisory_xact_lock(${advisoryLocks.buckets}, bucket)`);
    const got = new Set(rows.map((row) => row.bucket));
    locked.push(...got);
    events += sumOf(wanted.filter((one) => got.has(one.bucket)));
  }
  return locked;
}

function sumOf(buckets: readonly Bucket[]): number {
  return buckets.reduce((sum, one) => sum + one.events, 0);
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((one) => ({ one, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ one }) => one);
}
