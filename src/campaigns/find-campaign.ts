import { eq } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { campaign } from '../db/schema.ts';
import type { CampaignDefinition } from '../message/content.ts';
import { unknownCampaign } from '../reporting/totals.ts';

export type CampaignRow = Omit<typeof campaign.$inferSelect, 'definition'> & {
  readonly definition: CampaignDefinition;
};

/** @throws InputError where there is no such campaign. */
export async function findCampaign(db: Queries, campaignId: string): Promise<CampaignRow> {
  const [row] = await db.select().from(campaign).where(eq(campaign.id, campaignId));
  if (row === undefined) throw unknownCampaign(campaignId);
  return { ...row, definition: row.definition as CampaignDefinition };
}
