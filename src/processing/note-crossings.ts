import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import type { RateBase } from '../db/schema.ts';
import type { CampaignState, SubState } from '../domain/campaign-state.ts';
import { countsSince, type RateSettings, whyPauseItself } from './campaign-rates.ts';

/**
 * Writes down which of the campaigns are to pause themselves, in the transaction that counted the bounces and complaints: a
 * crossing is noted once, by whichever processor counts, and told by `tellCrossings`.
 *
 * From then on the campaign's base is what had been counted, and moves with what still comes in until it goes on: only what
 * comes after that counts.
 */
export async function noteCrossings(
  tx: Queries,
  campaignIds: readonly string[],
  settings: RateSettings,
): Promise<void> {
  if (campaignIds.length === 0) return;
  // In one order by all processors. "Sent" is whoever was handed to a mail server, be it that it refused.
  const { rows } = await tx.execute<{
    id: string;
    state: CampaignState;
    subState: SubState;
    base: RateBase | null;
    sent: number;
    bounces: number;
    complaints: number;
    now: string;
  }>(sql`
    select now()::text as now, c.id, c.state, c.sub_state as "subState", c.rate_base as base,
           coalesce((select sum(b.sent + b.failed) from dispatch_batch b where b.campaign_id = c.id), 0)::int as sent,
           coalesce((select s."unique" from campaign_statistic s
                      where s.campaign_id = c.id and s.type = 'Bounce' and s.agent = 'mail-server'), 0) as bounces,
           coalesce((select s."unique" from campaign_statistic s
                      where s.campaign_id = c.id and s.type = 'SpamComplaint' and s.agent = 'mail-server'), 0) as complaints
      from campaign c
     where c.id = any(${sql.param([...campaignIds])}::text[]) and c.state in ('Queuing', 'Sending')
     order by c.id for no key update of c`);
  for (const { id, subState, base, sent, bounces, complaints, now } of rows) {
    const counts = { sent, bounces, complaints };
    const isHeld = base !== null && (subState === 'Paused' || base.pausing !== undefined);
    const reason = isHeld ? undefined : whyPauseItself(countsSince(counts, base), settings);
    const pausing = reason === undefined ? base?.pausing : { reason, at: now };
    if (!isHeld && (reason === undefined || subState !== 'Sending')) continue;
    const next: RateBase = { ...counts, ...(pausing === undefined ? {} : { pausing }) };
    await tx.execute(sql`update campaign set rate_base = ${JSON.stringify(next)}::jsonb where id = ${id}`);
  }
}
