import { sql } from 'drizzle-orm';
import { findCampaign } from '../campaigns/find-campaign.ts';
import type { Database, Queries } from '../db/connect.ts';
import { hasNoOutcome } from '../db/has-no-outcome.ts';
import { holderState, type ServerState, serverState } from '../db/server-presence.ts';
import { inSnapshot } from '../db/snapshot.ts';
import { type CampaignState, hasEnded, type SubState } from '../domain/campaign-state.ts';
import { booksBalance, type OutcomeKind, type Totals } from '../domain/outcome.ts';
import { type AuditEntry, auditTrail } from './audit-trail.ts';
import { auditedBooks, type BooksDifference, differenceInWords } from './books.ts';
import { type ServerReport, serverReports } from './server-report.ts';
import { type TestReport, testReport, waitForWinner } from './test-report.ts';

/** The books of a campaign, counted recipient by recipient as of one moment, and who did what to it. Instants are ISO 8601. */
export interface CampaignAudit {
  readonly id: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly subState: SubState;
  readonly reason: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** False until QueueMessage has filled the queue. */
  readonly isQueued: boolean;
  readonly totals: Totals;
  /** True where each queued recipient has exactly one outcome. */
  readonly balanced: boolean;
  /** What is wrong with the books. While the campaign is dispatched nobody is missing who has no outcome yet. */
  readonly differences: readonly (BooksDifference & { readonly text: string })[];
  readonly failedByReason: Readonly<Record<string, number>>;
  readonly skippedByReason: Readonly<Record<string, number>>;
  readonly inDoubtByReason: Readonly<Record<string, number>>;
  /** Contacts of the included lists that were not queued, by reason. */
  readonly excluded: Readonly<Record<string, number>>;
  /** Recipients without an outcome whom mail servers have put off. */
  readonly deferred: DeferredRecipients;
  readonly servers: readonly ServerReport[];
  readonly batches: {
    readonly taken: number;
    readonly ended: number;
    readonly inHand: readonly BatchInHand[];
  };
  /** Null where there is none. */
  readonly test: TestReport | null;
  readonly trail: readonly AuditEntry[];
}

export interface DeferredRecipients {
  readonly count: number;
  /** Those that a dispatcher may try again at once. */
  readonly dueNow: number;
  /** When the next and the last of the others are due. */
  readonly nextAt: string | null;
  readonly lastAt: string | null;
  /** The most frequent replies. */
  readonly replies: readonly { readonly reply: string; readonly count: number }[];
}

/** A batch that a server has taken and not ended. */
export interface BatchInHand {
  readonly batch: number;
  readonly first: number;
  readonly last: number;
  readonly server: string;
  readonly presence: ServerState;
  readonly since: string;
}

/** Reasons named of each kind of outcome; the rarest are summed up. */
const reasonsNamed = 50;
const repliesNamed = 3;
/** Batches in hand that are listed: those of servers that are gone, then those taken first. */
const batchesListed = 5;

/** @throws InputError CAMPAIGN_UNKNOWN */
export async function campaignAuditOf(db: Database, campaignId: string): Promise<CampaignAudit> {
  return await inSnapshot(db, async (snapshot) => await readAudit(snapshot, campaignId));
}

/** True where a campaign has ended and its books are wrong. */
export function endedOutOfBalance({ state, balanced }: Pick<CampaignAudit, 'state' | 'balanced'>): boolean {
  return hasEnded(state) && !balanced;
}

async function readAudit(db: Queries, campaignId: string): Promise<CampaignAudit> {
  const campaign = await findCampaign(db, campaignId);
  const { totals, differences } = await auditedBooks(db, campaignId);
  const wrong = differences.filter(({ kind }) => kind !== 'no-outcome' || hasEnded(campaign.state));
  const byReason = await outcomesByReason(db, campaignId);
  return {
    id: campaign.id,
    name: campaign.name,
    state: campaign.state,
    subState: campaign.subState,
    reason: campaign.reason ?? waitForWinner(campaign),
    createdAt: campaign.createdAt.toISOString(),
    startedAt: campaign.startedAt?.toISOString() ?? null,
    endedAt: campaign.endedAt?.toISOString() ?? null,
    isQueued: campaign.queued !== null,
    totals,
    balanced: booksBalance(totals) && differences.length === 0,
    differences: wrong.map((one) => ({ ...one, text: differenceInWords(one) })),
    failedByReason: byReason('failed', totals.failed),
    skippedByReason: byReason('skipped', totals.skipped),
    inDoubtByReason: byReason('in_doubt', totals.inDoubt),
    excluded: campaign.excluded,
    deferred: await deferredRecipients(db, campaignId),
    servers: await serverReports(db, campaignId, { ended: true }),
    batches: await batchesOf(db, campaignId),
    test: await testReport(db, campaign, totals.sent),
    trail: await auditTrail(db, campaignId),
  };
}

async function outcomesByReason(db: Queries, campaignId: string) {
  const { rows } = await db.execute<{ kind: OutcomeKind; reason: string; count: number }>(sql`
    select kind, reason, count from (
      select kind, coalesce(reason, 'no reason given') as reason, count(*)::int as count,
             row_number() over (partition by kind order by count(*) desc, reason) as place
        from dispatch_outcome where campaign_id = ${campaignId} and kind in ('failed', 'skipped', 'in_doubt')
       group by kind, reason) as counted
     where place <= ${reasonsNamed} order by kind, place`);
  return (kind: OutcomeKind, total: number): Record<string, number> => {
    const named = rows.filter((row) => row.kind === kind);
    const others = total - named.reduce((sum, { count }) => sum + count, 0);
    return {
      ...Object.fromEntries(named.map(({ reason, count }) => [reason, count])),
      ...(others > 0 ? { 'other reasons': others } : {}),
    };
  };
}

async function deferredRecipients(db: Queries, campaignId: string): Promise<DeferredRecipients> {
  const pending = sql`dispatch_deferral d where d.campaign_id = ${campaignId} and ${hasNoOutcome(sql`d`)}`;
  const { rows } = await db.execute<{
    count: number;
    dueNow: number;
    next: string | null;
    last: string | null;
  }>(sql`
    select count(*)::int as count, count(*) filter (where due_at <= now())::int as "dueNow",
           min(due_at) filter (where due_at > now()) as next, max(due_at) filter (where due_at > now()) as last
      from ${pending}`);
  const { count, dueNow, next, last } = rows[0] ?? { count: 0, dueNow: 0, next: null, last: null };
  const replies = await db.execute<{ reply: string; count: number }>(sql`
    select reply, count(*)::int as count from ${pending} group by reply order by 2 desc, 1 limit ${repliesNamed}`);
  return { count, dueNow, nextAt: iso(next), lastAt: iso(last), replies: replies.rows };
}

async function batchesOf(db: Queries, campaignId: string): Promise<CampaignAudit['batches']> {
  const { rows } = await db.execute<{ taken: number; ended: number }>(sql`
    select count(*)::int as taken, count(ended_at)::int as ended from dispatch_batch where campaign_id = ${campaignId}`);
  const open = await db.execute<Omit<BatchInHand, 'since'> & { since: string } & Record<string, unknown>>(sql`
    select b.batch, b.first, b.last, b.server, b.leased_at as since,
           ${holderState} as presence
      from dispatch_batch b left join server on server.name = b.server
     where b.campaign_id = ${campaignId} and b.ended_at is null order by (server.name is null or ${serverState} in ('dead', 'stopped')) desc, b.leased_at, b.batch
     limit ${batchesListed}`);
  const { taken, ended } = rows[0] ?? { taken: 0, ended: 0 };
  return {
    taken,
    ended,
    inHand: open.rows.map((row) => ({ ...row, since: new Date(row.since).toISOString() })),
  };
}

/** Raw queries give instants as PostgreSQL writes them. */
function iso(at: string | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
