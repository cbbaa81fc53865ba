import { eq, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { campaignStatistic } from '../db/schema.ts';
import { type Agent, agents } from '../processing/classify-agent.ts';

/** Repeats within 300 seconds count once in `total`; `unique` counts recipients. */
export interface EventCount {
  readonly total: number;
  readonly unique: number;
}

/** One type of event, by who made it: what image proxies and link scanners did stands apart from what people did. */
export interface EventReport {
  readonly type: string;
  readonly by: Readonly<Record<Agent, EventCount>>;
}

export interface LinkReport {
  readonly number: number;
  /** As in the template: tokens are not filled in. */
  readonly url: string;
  readonly clicks: EventCount;
}

/** Types that every report shows, also where nothing happened yet. */
const alwaysShown = ['EmailOpened', 'EmailClicked', 'UnsubscribedFromEmail'];

/** What recipients did, as far as the processing role has come. */
export async function eventReports(db: Queries, campaignId: string): Promise<EventReport[]> {
  const rows = await db
    .select()
    .from(campaignStatistic)
    .where(eq(campaignStatistic.campaignId, campaignId))
    .orderBy(campaignStatistic.type);
  const types = [...new Set([...alwaysShown, ...rows.map((row) => row.type)])];
  return types.map((type) => {
    const count = (agent: Agent): EventCount => {
      const row = rows.find((one) => one.type === type && one.agent === agent);
      return { total: row?.total ?? 0, unique: row?.unique ?? 0 };
    };
    return {
      type,
      by: Object.fromEntries(agents.map((agent) => [agent, count(agent)])) as EventReport['by'],
    };
  });
}

/** The tracked links by number, with the clicks of people. */
export async function linkReports(db: Queries, campaignId: string): Promise<LinkReport[]> {
  const { rows } = await db.execute<{ number: number; url: string; total: number; unique: number }>(sql`
    select l.number, l.url, count(i.id)::int as total, count(distinct i.position)::int as "unique"
      from campaign_link l left join interaction i
        on i.campaign_id = l.campaign_id and i.type = 'EmailClicked' and i.agent = 'person' and i.link = l.number
     where l.campaign_id = ${campaignId}
     group by l.number, l.url order by l.number`);
  return rows.map(({ number, url, total, unique }) => ({ number, url, clicks: { total, unique } }));
}
