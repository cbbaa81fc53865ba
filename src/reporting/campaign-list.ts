import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import type { CampaignState, SubState } from '../domain/campaign-state.ts';

/** One campaign in the list. */
export interface CampaignSummary {
  readonly campaignId: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly subState: SubState;
  readonly queued: number;
  readonly sent: number;
  readonly failed: number;
  /** Recipients of whom an open or a click by a person is known. */
  readonly opened: number;
  readonly clicked: number;
  readonly createdAt: string;
  readonly startedAt: string | null;
}

export const campaignsPerPage = 50;

/** One page of the campaigns, newest first; pages count from 1. One more than fits tells that there is a next page. */
export async function listCampaigns(
  db: Queries,
  page: number,
): Promise<{ campaigns: CampaignSummary[]; hasMore: boolean }> {
  const { rows } = await db.execute<
    Omit<CampaignSummary, 'createdAt' | 'startedAt'> & { createdAt: number; startedAt: number | null }
  >(sql`
    select c.id as "campaignId", c.name, c.state, c.sub_state as "subState", coalesce(c.queued, 0) as queued,
           coalesce(b.sent, 0)::int as sent, coalesce(b.failed, 0)::int as failed,
           coalesce(s.opened, 0)::int as opened, coalesce(s.clicked, 0)::int as clicked,
           extract(epoch from c.created_at)::float8 * 1000 as "createdAt",
           extract(epoch from c.started_at)::float8 * 1000 as "startedAt"
      from (select * from campaign order by created_at desc, id
             limit ${campaignsPerPage + 1} offset ${(page - 1) * campaignsPerPage}) c
      left join lateral (select sum(sent) as sent, sum(failed) as failed
                           from dispatch_batch where campaign_id = c.id) b on true
      left join lateral (select sum("unique") filter (where type = 'EmailOpened') as opened,
                                sum("unique") filter (where type = 'EmailClicked') as clicked
                           from campaign_statistic where campaign_id = c.id and agent = 'person') s on true
     order by c.created_at desc, c.id`);
  return {
    campaigns: rows.slice(0, campaignsPerPage).map((row) => ({
      ...row,
      createdAt: new Date(row.createdAt).toISOString(),
      startedAt: row.startedAt === null ? null : new Date(row.startedAt).toISOString(),
    })),
    hasMore: rows.length > campaignsPerPage,
  };
}
