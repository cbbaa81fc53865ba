import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../db/connect.ts';
import { hasNoOutcome } from '../db/has-no-outcome.ts';
import { campaign } from '../db/schema.ts';
import { inSnapshot } from '../db/snapshot.ts';
import { type LiveDispatcher, liveDispatchers, unreadyFor, whyNoneSends } from '../dispatch/dispatchers.ts';
import { type CampaignState, isFinished, type SubState } from '../domain/campaign-state.ts';
import type { Totals } from '../domain/outcome.ts';
import { type TestReport, testReport, waitForWinner } from '../reporting/test-report.ts';
import { campaignTotals, type ServerShare, serverShares } from '../reporting/totals.ts';
import { findCampaign } from './find-campaign.ts';

/** A campaign as `exm campaign status` shows it. */
export interface CampaignStatus {
  readonly id: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly subState: SubState;
  /** True once it has ended: nobody is without an outcome, and no step of its pipeline is left. */
  readonly finished: boolean;
  /** Why it is paused, went back to Draft or was cancelled; what it waits for; or what was left undone. */
  readonly reason: string | null;
  readonly totals: Totals;
  /** Not queued, by reason. */
  readonly excluded: Readonly<Record<string, number>>;
  readonly failedByReason: Readonly<Record<string, number>>;
  readonly skippedByReason: Readonly<Record<string, number>>;
  /** Recipients that mail servers put off. */
  readonly deferred: number;
  readonly servers: readonly ServerShare[];
  /** Null where there is none. */
  readonly test: TestReport | null;
  /** Living dispatchers that cannot send it, and why; others can. */
  readonly unready: readonly { readonly name: string; readonly why: string }[];
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/**
 * Where a campaign stands, from the books, all of it as of one moment. @throws InputError where there is no such
 * campaign
 */
export async function campaignStatus(db: Database, campaignId: string): Promise<CampaignStatus> {
  return await inSnapshot(db, async (snapshot) => await readStatus(snapshot, campaignId));
}

async function readStatus(db: Queries, campaignId: string): Promise<CampaignStatus> {
  const row = await findCampaign(db, campaignId);
  const [totals, servers, byReason, deferred] = [
    await campaignTotals(db, campaignId),
    await serverShares(db, campaignId),
    await outcomesByReason(db, campaignId),
    await deferredCount(db, campaignId),
  ];
  const waits = row.state === 'Sending' && totals.remaining > 0;
  const dispatchers = waits ? await liveDispatchers(db, row.definition.pool) : [];
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    subState: row.subState,
    finished: isFinished(row),
    reason:
      row.reason ??
      waitForWinner(row) ??
      (waits ? whatIsLacking(dispatchers, { id: row.id, pool: row.definition.pool }) : null),
    totals,
    excluded: row.excluded,
    failedByReason: byReason('failed'),
    skippedByReason: byReason('skipped'),
    deferred,
    servers,
    test: await testReport(db, row, totals.sent),
    unready: unreadyFor(dispatchers, row.id),
    startedAt: row.startedAt?.toISOString() ?? null,
    endedAt: row.endedAt?.toISOString() ?? null,
  };
}

export interface CampaignLine {
  readonly id: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly subState: SubState;
  readonly queued: number;
  readonly createdAt: string;
}

/** All campaigns, the newest first. */
export async function listCampaigns(db: Database, limit: number): Promise<CampaignLine[]> {
  const rows = await db
    .select()
    .from(campaign)
    .orderBy(sql`${campaign.createdAt} desc, ${campaign.id}`)
    .limit(limit);
  return rows.map(({ id, name, state, subState, queued, createdAt }) => ({
    id,
    name,
    state,
    subState,
    queued: queued ?? 0,
    createdAt: createdAt.toISOString(),
  }));
}

async function outcomesByReason(db: Queries, campaignId: string) {
  const { rows } = await db.execute<{ kind: string; reason: string; count: number }>(sql`
    select kind, coalesce(reason, '') as reason, count(*)::int as count from dispatch_outcome
     where campaign_id = ${campaignId} and kind in ('failed', 'skipped') group by kind, reason order by count(*) desc, reason`);
  return (kind: string) =>
    Object.fromEntries(rows.filter((row) => row.kind === kind).map(({ reason, count }) => [reason, count]));
}

async function deferredCount(db: Queries, campaignId: string): Promise<number> {
  const { rows } = await db.execute<{ count: number }>(sql`
    select count(*)::int as count from dispatch_deferral d where d.campaign_id = ${campaignId}
       and ${hasNoOutcome(sql`d`)}`);
  return rows[0]?.count ?? 0;
}

/** Why nobody of the pool can send a campaign; null where somebody can. */
export function whatIsLacking(
  dispatchers: readonly LiveDispatcher[],
  { id, pool }: { readonly id: string; readonly pool: string },
): string | null {
  if (dispatchers.length === 0)
    return `no dispatcher of the pool "${pool}" is alive: start "exm worker dedicated-dispatch"`;
  return whyNoneSends(dispatchers, pool, id);
}
