import type { QueryConfig } from 'pg';
import { float8Array, int4Array, int8Array, textArray } from '../../db/binary-array.ts';
import type { Database } from '../../db/connect.ts';
import type { PositionRange } from '../../domain/batch-plan.ts';
import type { DispatchWord } from '../../domain/campaign-state.ts';
import type { Outcome, OutcomeKind } from '../../domain/outcome.ts';
import { bounceOf } from '../bounce-of.ts';
import type { Lease, LeaseAnswer, RecordedDeferral, RecordedOutcome } from './lease.ts';

export interface OutcomeEntry {
  readonly lease: Lease;
  readonly outcome: RecordedOutcome;
  /** The database has refused what it was: this stands for it. */
  readonly isSubstitute?: boolean;
}

export interface DeferralEntry {
  readonly lease: Lease;
  readonly deferral: RecordedDeferral;
}

export interface Flush {
  readonly server: string;
  /** Every batch that this process holds, also those with nothing to record. */
  readonly leases: readonly Lease[];
  /** Those of them that end with this flush. */
  readonly closing: readonly Lease[];
  readonly outcomes: readonly OutcomeEntry[];
  readonly deferrals: readonly DeferralEntry[];
  /** The groups that their batches want to hand over next, where nobody may be mailed twice. */
  readonly announcing: ReadonlyMap<Lease, PositionRange>;
}

export interface FlushAnswer {
  readonly batches: ReadonlyMap<Lease, LeaseAnswer>;
  readonly sleepMs: number | undefined;
}

/**
 * One statement, so one transaction and one round trip. The database's clock dates what is due. `held` locks the batches,
 * so that a lease cannot be taken by another between the check and the insert; outcomes of a batch that is no longer this
 * process's are left out. An outcome that stands already (a repeated flush whose answer was lost) is neither inserted nor
 * counted again. Nor does a flush that was given up, and arrives late, put an earlier announcement in the place of a later.
 *
 * Outcomes and leases name each other by `slot`, the lease's number in this flush. The arrays of outcomes are taken apart
 * in the select list: in FROM they would be stored before they are read. Shorter ones are filled up with nulls, so that
 * what is the same for nearly all is left out.
 *
 * What a mail server refused for good becomes a Bounce event in the same breath: as often as its outcome, which is once.
 *
 * @param whereItStands what to do about an outcome that is there already, and what `counted` needs of the others
 * @param counted what each batch gains: `campaign_id`, `batch`, and a column for each kind
 * @param onlyInserted a join that leaves out bounces whose outcome was there already
 */
const statement = (whereItStands: string, counted: string, onlyInserted: string) => `
with held as (
  select h.slot, b.campaign_id, b.batch, b.lease = h.lease and b.ended_at is null as mine, b.wanted,
         b.sent, b.failed, b.skipped, b.in_doubt, h.new_sent, h.new_failed, h.new_skipped, h.new_in_doubt,
         h.slot = any($19::int[]) as closing,
         case when h.announce_first >= coalesce(b.announced_first, 0) then h.announce_first end as announce_first,
         case when h.announce_first >= coalesce(b.announced_first, 0) then h.announce_last end as announce_last
    from unnest($1::text[], $2::int[], $3::int[], $20::int[], $21::int[], $22::int[], $23::int[], $24::int[], $25::int[])
         with ordinality as h(campaign_id, batch, lease, announce_first, announce_last,
                              new_sent, new_failed, new_skipped, new_in_doubt, slot)
    join dispatch_batch b on b.campaign_id = h.campaign_id and b.batch = h.batch
   order by b.campaign_id, b.batch for update of b
), inserted as (
  insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, reason, reply, message_id, at)
  select held.campaign_id, o.position, o.contact_id, held.batch, $4, coalesce(o.kind, 'sent'), o.reason, o.reply,
         o.message_id, to_timestamp(o.at)
    from (select unnest($5::int[]) as slot, unnest($6::int[]) as position, unnest($7::bigint[]) as contact_id,
                 unnest($8::text[]) as kind, unnest($9::text[]) as reason, unnest($10::text[]) as reply,
                 unnest($11::text[]) as message_id, unnest($12::float8[]) as at) as o
    join held on held.slot = o.slot and held.mine
  ${whereItStands}
), bounced as (
  insert into event_inbox (type, campaign_id, position, contact_id, detail, at)
  select 'Bounce', held.campaign_id, e.position, e.contact_id, e.detail::jsonb, to_timestamp(e.at)
    from unnest($26::int[], $27::int[], $28::bigint[], $29::text[], $30::float8[])
         as e(slot, position, contact_id, detail, at)
    join held on held.slot = e.slot and held.mine
  ${onlyInserted}
), deferred as (
  insert into dispatch_deferral as d (campaign_id, position, attempts, first_at, due_at, reply)
  select held.campaign_id, l.position, l.attempts, now() - l.since_first * interval '1 ms',
         now() + l.due_in * interval '1 ms', l.reply
    from unnest($13::int[], $14::int[], $15::int[], $16::float8[], $17::float8[], $18::text[])
         as l(slot, position, attempts, since_first, due_in, reply)
    join held on held.slot = l.slot and held.mine
  on conflict (campaign_id, position) do update
     set attempts = excluded.attempts, due_at = excluded.due_at, reply = excluded.reply
), counted as (
  ${counted}
), updated as (
  update dispatch_batch b
     set sent = b.sent + coalesce(c.sent, 0), failed = b.failed + coalesce(c.failed, 0),
         skipped = b.skipped + coalesce(c.skipped, 0), in_doubt = b.in_doubt + coalesce(c.in_doubt, 0),
         ended_at = case when held.closing then now() end,
         announced_first = case when not held.closing then coalesce(held.announce_first, b.announced_first) end,
         announced_last = case when not held.closing then coalesce(held.announce_last, b.announced_last) end,
         announced_at = case when held.closing then null when held.announce_first is null then b.announced_at else now() end
    from held left join counted c on c.campaign_id = held.campaign_id and c.batch = held.batch
   where b.campaign_id = held.campaign_id and b.batch = held.batch and held.mine
     and (c.batch is not null or held.closing or held.announce_first is not null)
)
select held.slot::int, held.mine, held.wanted, campaign.word,
       held.sent + coalesce(c.sent, 0) as sent, held.failed + coalesce(c.failed, 0) as failed,
       held.skipped + coalesce(c.skipped, 0) as skipped, held.in_doubt + coalesce(c.in_doubt, 0) as "inDoubt",
       (select sleep_ms from server where name = $4) as "sleepMs"
  from held
  join campaign on campaign.id = held.campaign_id
  left join counted c on c.campaign_id = held.campaign_id and c.batch = held.batch`;

/** Either all outcomes of a batch are inserted or none of the flush: then nobody has to count them there. */
const countedHere = `
  select campaign_id, batch, new_sent as sent, new_failed as failed, new_skipped as skipped, new_in_doubt as in_doubt
    from held where mine and new_sent + new_failed + new_skipped + new_in_doubt > 0`;

const countedThere = `
  select campaign_id, batch,
         (count(*) filter (where kind = 'sent'))::int as sent, (count(*) filter (where kind = 'failed'))::int as failed,
         (count(*) filter (where kind = 'skipped'))::int as skipped, (count(*) filter (where kind = 'in_doubt'))::int as in_doubt
    from inserted group by campaign_id, batch`;

/**
 * PostgreSQL looks a row up before it inserts it where it is told what to do if it is there: a third of what an outcome
 * costs. It hardly ever is: the second statement is for those flushes that the first refuses because of it.
 */
const statements = [
  { name: 'flush-outcomes', text: statement('', countedHere, '') },
  {
    name: 'flush-outcomes-again',
    text: statement(
      'on conflict do nothing returning campaign_id, position, batch, kind',
      countedThere,
      'join inserted i on i.campaign_id = held.campaign_id and i.position = e.position',
    ),
  },
] as const;
const uniqueViolation = '23505';

/** How long the database may take to answer, milliseconds: less than a lease is vouched for. */
const flushTimeoutMs = 5_000;

interface AnswerRow {
  readonly slot: number;
  readonly mine: boolean;
  readonly wanted: boolean;
  readonly word: DispatchWord;
  readonly sent: number;
  readonly failed: number;
  readonly skipped: number;
  readonly inDoubt: number;
  readonly sleepMs: number | null;
}

export async function flushOutcomes(db: Database, flush: Flush): Promise<FlushAnswer> {
  const slots = new Map(flush.leases.map((lease, index) => [lease, index + 1]));
  const rows = await insert(db, parameters(flush, slots));
  const bySlot = new Map(rows.map((row) => [row.slot, row]));
  const batches = new Map<Lease, LeaseAnswer>();
  for (const [lease, slot] of slots) {
    const row = bySlot.get(slot);
    if (row === undefined) continue;
    const { mine, wanted, word, sent, failed, skipped, inDoubt } = row;
    batches.set(lease, { mine, wanted, word, counts: { sent, failed, skipped, inDoubt } });
  }
  return { batches, sleepMs: rows[0]?.sleepMs ?? undefined };
}

async function insert(db: Database, values: unknown[]): Promise<AnswerRow[]> {
  const [newOnes, those] = statements;
  try {
    return (await db.$client.query<AnswerRow>(timed({ ...newOnes, values }))).rows;
  } catch (error) {
    if ((error as { code?: string }).code !== uniqueViolation) throw error;
    return (await db.$client.query<AnswerRow>(timed({ ...those, values }))).rows;
  }
}

function parameters(flush: Flush, slots: ReadonlyMap<Lease, number>): unknown[] {
  const { leases, outcomes } = flush;
  const bounces = bouncesOf(outcomes);
  const slotOf = ({ lease }: { readonly lease: Lease }) => slots.get(lease) ?? 0;
  const deferrals = lastOfEach(flush.deferrals);
  const counts = countsByLease(flush);
  const counted = (kind: OutcomeKind) => leases.map((lease) => counts.get(lease)?.[kind] ?? 0);
  return [
    leases.map(({ campaignId }) => campaignId),
    leases.map(({ batch }) => batch),
    leases.map(({ lease }) => lease),
    flush.server,
    int4Array(outcomes.map(slotOf)),
    int4Array(outcomes.map(({ outcome }) => outcome.position)),
    int8Array(outcomes.map(({ outcome }) => outcome.contactId)),
    textArray(known(outcomes, ({ kind }) => (kind === 'sent' ? undefined : kind))),
    textArray(known(outcomes, (outcome) => ('reason' in outcome ? outcome.reason : undefined))),
    textArray(known(outcomes, (outcome) => ('reply' in outcome ? outcome.reply : undefined))),
    textArray(known(outcomes, (outcome) => ('messageId' in outcome ? outcome.messageId : undefined))),
    float8Array(outcomes.map(({ outcome }) => outcome.at.getTime() / 1_000)),
    deferrals.map(slotOf),
    deferrals.map(({ deferral }) => deferral.position),
    deferrals.map(({ deferral }) => deferral.attempts),
    deferrals.map(({ deferral }) => deferral.sinceFirstMs),
    deferrals.map(({ deferral }) => deferral.dueInMs),
    deferrals.map(({ deferral }) => deferral.reply),
    flush.closing.map((lease) => slots.get(lease) ?? 0),
    leases.map((lease) => flush.announcing.get(lease)?.first ?? null),
    leases.map((lease) => flush.announcing.get(lease)?.last ?? null),
    counted('sent'),
    counted('failed'),
    counted('skipped'),
    counted('in_doubt'),
    bounces.map(({ entry }) => slotOf(entry)),
    bounces.map(({ entry }) => entry.outcome.position),
    bounces.map(({ entry }) => entry.outcome.contactId),
    bounces.map(({ detail }) => JSON.stringify(detail)),
    bounces.map(({ entry }) => entry.outcome.at.getTime() / 1_000),
  ];
}

function bouncesOf(outcomes: readonly OutcomeEntry[]) {
  return outcomes.flatMap((entry) => {
    const detail = bounceOf(entry.outcome.outcome);
    return detail === undefined ? [] : [{ entry, detail }];
  });
}

function countsByLease({ outcomes }: Flush): ReadonlyMap<Lease, Readonly<Record<OutcomeKind, number>>> {
  const counts = new Map<Lease, Record<OutcomeKind, number>>();
  for (const { lease, outcome } of outcomes) {
    const own = counts.get(lease) ?? { sent: 0, failed: 0, skipped: 0, cancelled: 0, in_doubt: 0 };
    own[outcome.outcome.kind]++;
    counts.set(lease, own);
  }
  return counts;
}

/** A value of each outcome, up to the last that has one. */
function known(
  outcomes: readonly OutcomeEntry[],
  of: (outcome: Outcome) => string | undefined,
): (string | null)[] {
  const values: (string | null)[] = [];
  for (const [index, { outcome }] of outcomes.entries()) {
    const value = of(outcome.outcome);
    if (value === undefined) continue;
    while (values.length < index) values.push(null);
    values.push(value);
  }
  return values;
}

/** One row may be written once by a statement: the last deferral of a recipient stands. */
function lastOfEach(deferrals: readonly DeferralEntry[]): DeferralEntry[] {
  const byRecipient = new Map(
    deferrals.map((entry) => [`${entry.lease.campaignId}/${entry.deferral.position}`, entry]),
  );
  return [...byRecipient.values()];
}

/** A connection that fell silent must not hold up the slots: the flush is given up, and tried again on another one. */
function timed(query: QueryConfig): QueryConfig & { readonly query_timeout: number } {
  return { ...query, query_timeout: flushTimeoutMs };
}
