import { sql } from 'drizzle-orm';
import { findCampaign } from '../campaigns/find-campaign.ts';
import type { Queries } from '../db/connect.ts';
import { type CampaignState, hasEnded, type SubState } from '../domain/campaign-state.ts';
import { withoutAddresses } from '../domain/error-message.ts';
import { booksBalance, type OutcomeKind, type Totals } from '../domain/outcome.ts';
import { type AuditEntry, auditTrail } from './audit-trail.ts';
import { type EventReport, eventReports, type LinkReport, linkReports } from './event-report.ts';
import { type FeedbackReport, feedbackReport } from './feedback-report.ts';
import { type ServerReport, serverReports } from './server-report.ts';
import { type TestReport, testReport, waitForWinner } from './test-report.ts';
import { campaignTotals } from './totals.ts';

/** Everything that is reported of one campaign. Contains no addresses. Instants are ISO 8601 in UTC. */
export interface CampaignReport {
  readonly campaignId: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly subState: SubState;
  /** Why it is paused, went back to Draft or was cancelled. */
  readonly reason: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** queued = sent + failed + skipped + cancelled + inDoubt + remaining; balanced once nothing remains. */
  readonly books: Totals & { readonly balanced: boolean };
  readonly progress: Progress;
  /** Contacts of the included lists that were not queued. */
  readonly excluded: readonly ReasonCount[];
  readonly servers: readonly ServerReport[];
  /** The A/B test; null where there is none. */
  readonly test: TestReport | null;
  readonly events: readonly EventReport[];
  readonly links: readonly LinkReport[];
  readonly feedback: FeedbackReport;
  /** Why recipients were not sent the message, most frequent first; the rarest are left out beyond 100 reasons. */
  readonly failures: readonly (ReasonCount & { readonly kind: OutcomeKind })[];
  readonly timeline: readonly AuditEntry[];
}

export interface Progress {
  /** 0 to 1 */
  readonly done: number;
  /** Mean since the start, pauses included. */
  readonly recipientsPerSecond: number | null;
  /** Null where it cannot be told: not sending, or nothing done yet. */
  readonly secondsLeft: number | null;
}

export interface ReasonCount {
  readonly reason: string;
  readonly count: number;
}

const maximumReasons = 100;

/** The report of one campaign as it is now. @throws InputError where there is no such campaign. */
export async function campaignReport(db: Queries, campaignId: string): Promise<CampaignReport> {
  const row = await findCampaign(db, campaignId);
  const ended = hasEnded(row.state);
  const totals = await campaignTotals(db, campaignId);
  return {
    campaignId,
    name: row.name,
    state: row.state,
    subState: row.subState,
    reason: masked(row.reason ?? waitForWinner(row)),
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    endedAt: row.endedAt?.toISOString() ?? null,
    books: { ...totals, balanced: booksBalance(totals) },
    progress: progressOf(totals, row.startedAt, row.endedAt ?? new Date(), row.subState),
    excluded: byFrequency(Object.entries(row.excluded).map(([reason, count]) => ({ reason, count }))),
    servers: await serverReports(db, campaignId, { ended }),
    test: await testReport(db, row, totals.sent),
    events: await eventReports(db, campaignId),
    links: await linkReports(db, campaignId),
    feedback: await feedbackReport(db, campaignId),
    failures: await failureReasons(db, campaignId),
    timeline: await timelineOf(db, campaignId),
  };
}

export function progressOf(totals: Totals, start: Date | null, end: Date, subState: SubState): Progress {
  const { queued, remaining } = totals;
  const done = queued - remaining;
  const seconds = start === null ? 0 : (end.getTime() - start.getTime()) / 1000;
  const recipientsPerSecond = seconds > 0 && done > 0 ? done / seconds : null;
  const isSending = subState === 'Sending' && recipientsPerSecond !== null;
  return {
    done: queued === 0 ? 0 : done / queued,
    recipientsPerSecond,
    secondsLeft: isSending ? Math.ceil(remaining / recipientsPerSecond) : null,
  };
}

async function failureReasons(db: Queries, campaignId: string): Promise<CampaignReport['failures']> {
  const { rows } = await db.execute<{ kind: OutcomeKind; reason: string; count: number }>(sql`
    select kind, coalesce(reason, 'no reason given') as reason, count(*)::int as count from dispatch_outcome
     where campaign_id = ${campaignId} and kind in ('failed', 'skipped', 'in_doubt')
     group by 1, 2 order by 3 desc, 1, 2 limit ${maximumReasons}`);
  return rows.map(({ kind, reason, count }) => ({ kind, reason: withoutAddresses(reason), count }));
}

async function timelineOf(db: Queries, campaignId: string): Promise<AuditEntry[]> {
  const trail = await auditTrail(db, campaignId);
  return trail.map((entry) => ({
    ...entry,
    actor: withoutAddresses(entry.actor),
    from: masked(entry.from),
    to: masked(entry.to),
    why: masked(entry.why),
  }));
}

function byFrequency(counts: readonly ReasonCount[]): ReasonCount[] {
  return counts.filter(({ count }) => count > 0).sort((a, b) => b.count - a.count);
}

function masked(text: string | null): string | null {
  return text === null ? null : withoutAddresses(text);
}
