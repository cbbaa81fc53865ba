import { and, asc, desc, eq, sql } from 'drizzle-orm';
import { whatIsLacking } from '../../campaigns/campaign-status.ts';
import type { CampaignRow } from '../../campaigns/find-campaign.ts';
import type { Queries } from '../../db/connect.ts';
import { campaignAudit } from '../../db/schema.ts';
import { holderState, type ServerState } from '../../db/server-presence.ts';
import { liveDispatchers } from '../../dispatch/dispatchers.ts';
import type { CampaignState, DispatchWord } from '../../domain/campaign-state.ts';
import type { Waiting } from './recipient-report.ts';

/** What somebody who is queued and has no outcome waits for, the most important first. */
export async function waitingFor(
  db: Queries,
  campaign: CampaignRow,
  position: number,
  dueAt: string | undefined,
): Promise<Waiting[]> {
  const { id, word, definition } = campaign;
  const waiting: Waiting[] = [];
  if (word === 'cancel') waiting.push({ for: 'cancel' });
  if (word === 'pause') waiting.push({ for: 'resume', reason: campaign.reason, ...(await paused(db, id)) });
  const isBehindTest = campaign.testSize !== null && position > campaign.testSize;
  if (isBehindTest && campaign.winner === null) {
    const { winnerDueAt, testOutAt } = campaign;
    return [
      ...waiting,
      { for: 'winner', dueAt: winnerDueAt?.toISOString() ?? null, isOut: testOutAt !== null },
    ];
  }
  if (dueAt !== undefined && Date.parse(dueAt) > Date.now()) waiting.push({ for: 'due', at: dueAt });
  else waiting.push(...(await batchInHand(db, id, position)));
  if (waiting.length > 0) return waiting;
  const { pool } = definition;
  const lacking = whatIsLacking(await liveDispatchers(db, pool), { id, pool });
  return [lacking === null ? { for: 'turn' } : { for: 'dispatcher', reason: lacking }];
}

/** Who paused it last, and when. */
async function paused(
  db: Queries,
  campaignId: string,
): Promise<{ readonly by: string | null; readonly since: string | null }> {
  const [row] = await db
    .select()
    .from(campaignAudit)
    .where(
      and(
        eq(campaignAudit.campaignId, campaignId),
        eq(campaignAudit.what, 'dispatch'),
        eq(campaignAudit.to, 'pause' satisfies DispatchWord),
      ),
    )
    .orderBy(desc(campaignAudit.id))
    .limit(1);
  return { by: row?.actor ?? null, since: row?.at.toISOString() ?? null };
}

async function batchInHand(db: Queries, campaignId: string, position: number): Promise<Waiting[]> {
  const { rows } = await db.execute<{
    batch: number;
    server: string;
    presence: ServerState;
    since: string;
  }>(sql`
    select b.batch, b.server, b.leased_at as since,
           ${holderState} as presence
      from dispatch_batch b left join server on server.name = b.server
     where b.campaign_id = ${campaignId} and b.ended_at is null and ${position} between b.first and b.last
     order by b.batch desc limit 1`);
  return rows.map((row) => ({ for: 'batch', ...row, since: new Date(row.since).toISOString() }));
}

/** When the campaign went on to send, by the audit trail: what is later came after it was queued. */
export async function queuedAt(db: Queries, campaignId: string): Promise<string | null> {
  const [row] = await db
    .select({ at: campaignAudit.at })
    .from(campaignAudit)
    .where(
      and(
        eq(campaignAudit.campaignId, campaignId),
        eq(campaignAudit.what, 'state'),
        eq(campaignAudit.to, 'Sending' satisfies CampaignState),
      ),
    )
    .orderBy(asc(campaignAudit.id))
    .limit(1);
  return row?.at.toISOString() ?? null;
}
