import type { QueryConfig } from 'pg';
import type { Database } from '../db/connect.ts';
import type { PositionRange } from '../domain/batch-plan.ts';
import type { DispatchWord } from '../domain/campaign-state.ts';
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
 * Outcomes and leases name each other by `slot`, the lease's number in this flush.
 */
const statement = `
with held as (
  select h.slot, b.campaign_id, b.batch, b.lease = h.lease and b.ended_at is null as mine, b.wanted,
         b.sent, b.failed, b.skipped, b.in_doubt, h.slot = any($19::int[]) as closing,
         case when h.announce_first >= coalesce(b.announced_first, 0) then h.announce_first end as announce_first,
         case when h.announce_first >= coalesce(b.announced_first, 0) then h.announce_last end as announce_last
    from unnest($1::text[], $2::int[], $3::int[], $20::int[], $21::int[])
         with ordinality as h(campaign_id, batch, lease, announce_first, announce_last, slot)
    join dispatch_batch b on b.campaign_id = h.campaign_id and b.batch = h.batch
   order by b.campaign_id, b.batch for update of b
), inserted as (
  insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, reason, reply, message_id, at)
  select held.campaign_id, o.position, o.contact_id, held.batch, $4, o.kind, o.reason, o.reply, o.message_id, o.at
    from unnest($5::int[], $6::int[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::timestamptz[])
         as o(slot, position, contact_id, kind, reason, reply, message_id, at)
    join held on held.slot = o.slot and held.mine
  on conflict do nothing
  returning campaign_id, batch, kind
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
  select campaign_id, batch,
         (count(*) filter (where kind = 'sent'))::int as sent, (count(*) filter (where kind = 'failed'))::int as failed,
         (count(*) filter (where kind = 'skipped'))::int as skipped, (count(*) filter (where kind = 'in_doubt'))::int as in_doubt
    from inserted group by campaign_id, batch
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
  const { leases, outcomes } = flush;
  const deferrals = lastOfEach(flush.deferrals);
  const slots = new Map(leases.map((lease, index) => [lease, index + 1]));
  const slotOf = ({ lease }: { readonly lease: Lease }) => slots.get(lease) ?? 0;
  const { rows } = await db.$client.query<AnswerRow>(
    timed({
      name: 'flush-outcomes',
      text: statement,
      values: [
        leases.map(({ campaignId }) => campaignId),
        leases.map(({ batch }) => batch),
        leases.map(({ lease }) => lease),
        flush.server,
        outcomes.map(slotOf),
        outcomes.map(({ outcome }) => outcome.position),
        outcomes.map(({ outcome }) => outcome.contactId),
        outcomes.map(({ outcome }) => outcome.outcome.kind),
        outcomes.map(({ outcome: { outcome } }) => ('reason' in outcome ? outcome.reason : null)),
        outcomes.map(({ outcome: { outcome } }) => ('reply' in outcome ? outcome.reply : null)),
        outcomes.map(({ outcome: { outcome } }) => ('messageId' in outcome ? outcome.messageId : null)),
        outcomes.map(({ outcome }) => outcome.at),
        deferrals.map(slotOf),
        deferrals.map(({ deferral }) => deferral.position),
        deferrals.map(({ deferral }) => deferral.attempts),
        deferrals.map(({ deferral }) => deferral.sinceFirstMs),
        deferrals.map(({ deferral }) => deferral.dueInMs),
        deferrals.map(({ deferral }) => deferral.reply),
        flush.closing.map((lease) => slots.get(lease) ?? 0),
        leases.map((lease) => flush.announcing.get(lease)?.first ?? null),
        leases.map((lease) => flush.announcing.get(lease)?.last ?? null),
      ],
    }),
  );
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
