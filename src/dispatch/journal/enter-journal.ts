import { type SQL, sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { isTransient } from '../../db/transient.ts';
import { bounceOf } from '../bounce-of.ts';
import { doubtReasons } from '../ledger/leave-in-doubt.ts';
import { unrecordable } from '../ledger/storable.ts';
import type { JournalEntry } from './journal-lines.ts';

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;

export interface EnterOptions {
  readonly server: string;
  /**
   * The process is gone and this is all it told: what it had begun and tells nothing more of is in doubt, what it had
   * not begun is free again.
   */
  readonly isOver: boolean;
}

export interface EnteredJournal {
  /** Outcomes that the books did not have. */
  readonly entered: number;
  /** Entries that the database refuses for good. */
  readonly refused: number;
  /** Whether this database knows any of its campaigns; where it does not, the journal belongs to another installation. */
  readonly isKnown: boolean;
}

/**
 * Enters in the books what a journal knows and they do not. What a mail server answered is a fact, whoever holds the
 * batch by now: it stands beside what others have entered meanwhile, and in the place of "in doubt" and "cancelled".
 *
 * As with the recorder, one entry that the database refuses for good does not keep back the others.
 */
export async function enterJournal(
  db: Database,
  entries: readonly JournalEntry[],
  options: EnterOptions,
): Promise<EnteredJournal> {
  const result = { entered: 0, refused: 0, isKnown: entries.length === 0 };
  for (const [campaignId, all] of groupBy(entries, (entry) => entry.campaignId)) {
    const enter = async (part: readonly JournalEntry[], isOver = options.isOver) =>
      await db.transaction(async (tx) => {
        const { rows } = await tx.execute(sql`select from campaign where id = ${campaignId} for key share`);
        if (rows.length === 0) return;
        result.isKnown = true;
        result.entered += await enterCampaign(tx, { campaignId, all, part, isOver, server: options.server });
      });
    if (await isTaken(enter(all))) continue;
    for (const entry of all) {
      if (entry.type === 'announced' || entry.type === 'begun' || (await isTaken(enter([entry], false))))
        continue;
      const instead = entry.type === 'outcome' ? [{ ...entry, ...unrecordable(entry) }] : [];
      if (instead.length === 0 || !(await isTaken(enter(instead, false)))) result.refused++;
    }
    if (!(await isTaken(enter([])))) result.refused++;
  }
  return result;
}

/** @throws what may succeed later as it is */
async function isTaken(entering: Promise<void>): Promise<boolean> {
  try {
    await entering;
    return true;
  } catch (error) {
    if (isTransient(error)) throw error;
    return false;
  }
}

interface EnteredCampaign extends EnterOptions {
  readonly campaignId: string;
  /** What the journal tells of it. */
  readonly all: readonly JournalEntry[];
  /** What of it is to be entered now. */
  readonly part: readonly JournalEntry[];
}

async function enterCampaign(
  tx: Queries,
  { campaignId, all, part, server, isOver }: EnteredCampaign,
): Promise<number> {
  const batches = await lockBatches(tx, campaignId, isOver ? all : part);
  const entered = await enterOutcomes(tx, campaignId, ofType(part, 'outcome'), server);
  await enterDeferrals(tx, campaignId, ofType(part, 'deferral'));
  if (isOver) {
    for (const of of groupBy(all, ({ batch, lease }) => `${batch}/${lease}`).values()) {
      await settleGroup(tx, of, server);
    }
  }
  await countAgain(tx, campaignId, batches);
  return entered;
}

/**
 * The batches whose counts may change, those of what is entered and those of what it takes the place of. Whoever flushes
 * waits, and counts from what stands here afterwards.
 */
async function lockBatches(
  tx: Queries,
  campaignId: string,
  entries: readonly JournalEntry[],
): Promise<number[]> {
  const own = [...new Set(entries.map(({ batch }) => batch))];
  const positions = ofType(entries, 'outcome').map(positionOf);
  const { rows } = await tx.execute<{ batch: number }>(sql`
    select batch from dispatch_batch
     where campaign_id = ${campaignId}
       and (batch = any(${sql.param(own)}::int[])
            or batch in (select o.batch from unnest(${sql.param(positions)}::int[]) as e(position)
                          cross join lateral (select o.batch from dispatch_outcome o
                                               where o.campaign_id = ${campaignId} and o.position = e.position limit 1) o))
     order by batch for update`);
  return rows.map(({ batch }) => batch);
}

/**
 * The row of the queue of an entry `e`: looked up by its key, entry by entry, which LIMIT makes sure of. A plain join was
 * planned as one with the whole queue, where the statistics do not know the campaign.
 */
function queuedAt(campaignId: string): SQL {
  return sql`select from dispatch_queue q where q.campaign_id = ${campaignId} and q.position = e.position`;
}

async function enterOutcomes(
  tx: Queries,
  campaignId: string,
  outcomes: readonly Entry<'outcome'>[],
  server: string,
): Promise<number> {
  const last = [...new Map(outcomes.map((entry) => [entry.position, entry])).values()];
  const field = (name: string) =>
    last.map(({ outcome }) => (outcome as unknown as Record<string, string | undefined>)[name] ?? null);
  const bounces = last.flatMap(({ outcome, position, at }) => {
    const detail = bounceOf(outcome);
    return detail === undefined ? [] : [{ position, at, detail }];
  });
  const { rows } = await tx.execute<{ entered: number }>(sql`
    with entered as (
    insert into dispatch_outcome as o
           (campaign_id, position, contact_id, batch, server, kind, reason, reply, message_id, at)
    select ${campaignId}, e.position, e.contact_id, e.batch, ${server}, e.kind, e.reason, e.reply, e.message_id, e.at
      from unnest(${sql.param(last.map(({ position }) => position))}::int[],
                    ${sql.param(last.map(({ contactId }) => contactId))}::bigint[],
                    ${sql.param(last.map(({ batch }) => batch))}::int[], ${sql.param(field('kind'))}::text[],
                    ${sql.param(field('reason'))}::text[], ${sql.param(field('reply'))}::text[],
                    ${sql.param(field('messageId'))}::text[],
                    ${sql.param(last.map(({ at }) => at))}::timestamptz[])
             as e(position, contact_id, batch, kind, reason, reply, message_id, at)
     cross join lateral (${queuedAt(campaignId)} and q.contact_id = e.contact_id limit 1) q
    on conflict (campaign_id, position) do update
       set batch = excluded.batch, server = excluded.server, kind = excluded.kind, reason = excluded.reason,
           reply = excluded.reply, message_id = excluded.message_id, at = excluded.at
     where o.kind in ('in_doubt', 'cancelled') and excluded.kind in ('sent', 'failed')
    returning o.position, o.contact_id
    ), bounced as (
      insert into event_inbox (type, campaign_id, position, contact_id, detail, at)
      select 'Bounce', ${campaignId}, entered.position, entered.contact_id, e.detail, e.at
        from json_to_recordset(${JSON.stringify(bounces)}::json) as e(position int, at timestamptz, detail jsonb)
        join entered on entered.position = e.position)
    select count(*)::int as entered from entered`);
  return rows[0]?.entered ?? 0;
}

async function enterDeferrals(
  tx: Queries,
  campaignId: string,
  deferrals: readonly Entry<'deferral'>[],
): Promise<void> {
  const last = [...new Map(deferrals.map((entry) => [entry.position, entry])).values()];
  if (last.length === 0) return;
  await tx.execute(sql`
    insert into dispatch_deferral as d (campaign_id, position, attempts, first_at, due_at, reply)
    select ${campaignId}, e.position, e.attempts, now() - e.since_first * interval '1 ms',
           now() + e.due_in * interval '1 ms', e.reply
      from unnest(${sql.param(last.map(({ position }) => position))}::int[],
                  ${sql.param(last.map(({ attempts }) => attempts))}::int[],
                  ${sql.param(last.map(({ sinceFirstMs }) => sinceFirstMs))}::float8[],
                  ${sql.param(last.map(({ dueInMs }) => dueInMs))}::float8[],
                  ${sql.param(last.map(({ reply }) => reply))}::text[])
           as e(position, attempts, since_first, due_in, reply)
     cross join lateral (${queuedAt(campaignId)} limit 1) q
    on conflict (campaign_id, position) do update
       set attempts = excluded.attempts, due_at = excluded.due_at, reply = excluded.reply
     where d.attempts < excluded.attempts`);
}

/**
 * The group that a killed process was at, where nobody has settled it yet: only what was begun is in doubt. A journal
 * that tells of an announcement tells of everything that was begun since, for it is emptied when it misses anything.
 */
async function settleGroup(tx: Queries, entries: readonly JournalEntry[], server: string): Promise<void> {
  const announced = ofType(entries, 'announced');
  const [of] = announced;
  if (of === undefined) return;
  const { campaignId, batch, lease } = of;
  const firsts = announced.map(({ range }) => range.first);
  const { rows } = await tx.execute(sql`
    update dispatch_batch set announced_first = null, announced_last = null, announced_at = null
     where campaign_id = ${campaignId} and batch = ${batch} and lease = ${lease} and ended_at is null
       and announced_first = any(${sql.param(firsts)}::int[])
    returning batch`);
  if (rows.length === 0) return;
  const answered = new Set([...ofType(entries, 'outcome'), ...ofType(entries, 'deferral')].map(positionOf));
  const begun = ofType(entries, 'begun')
    .map(positionOf)
    .filter((position) => !answered.has(position));
  await tx.execute(sql`
    insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, reason, at)
    select q.campaign_id, q.position, q.contact_id, ${batch}, ${server}, 'in_doubt', ${doubtReasons.begun}, now()
      from dispatch_queue q
     where q.campaign_id = ${campaignId} and q.position = any(${sql.param(begun)}::int[])
    on conflict do nothing`);
}

async function countAgain(tx: Queries, campaignId: string, batches: readonly number[]): Promise<void> {
  await tx.execute(sql`
    update dispatch_batch b
       set sent = o.sent, failed = o.failed, skipped = o.skipped, in_doubt = o.in_doubt
      from (select b.batch, (count(*) filter (where o.kind = 'sent'))::int as sent,
                   (count(*) filter (where o.kind = 'failed'))::int as failed,
                   (count(*) filter (where o.kind = 'skipped'))::int as skipped,
                   (count(*) filter (where o.kind = 'in_doubt'))::int as in_doubt
              from dispatch_batch b
              left join lateral (select o.kind from dispatch_outcome o
                                  where o.campaign_id = b.campaign_id and o.batch = b.batch
                                    and o.position between b.first and b.last offset 0) o on true
             where b.campaign_id = ${campaignId} and b.batch = any(${sql.param([...batches])}::int[])
             group by b.batch) as o
     where b.campaign_id = ${campaignId} and b.batch = o.batch`);
}

function positionOf({ position }: { readonly position: number }): number {
  return position;
}

function ofType<Type extends JournalEntry['type']>(
  entries: readonly JournalEntry[],
  type: Type,
): Entry<Type>[] {
  return entries.filter((entry): entry is Entry<Type> => entry.type === type);
}

function groupBy<Value>(
  values: readonly Value[],
  keyOf: (value: Value) => string,
): ReadonlyMap<string, Value[]> {
  const groups = new Map<string, Value[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
