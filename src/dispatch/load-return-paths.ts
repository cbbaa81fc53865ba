import { eq } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { campaign } from '../db/schema.ts';
import { ReturnPaths } from '../message/return-path.ts';

/** The addresses that a campaign's messages come back to. Undefined where there is no domain for them. */
export async function loadReturnPaths(
  db: Queries,
  campaignId: string,
  bounceDomain: string | undefined,
): Promise<ReturnPaths | undefined> {
  if (bounceDomain === undefined) return undefined;
  const [row] = await db
    .select({ number: campaign.number })
    .from(campaign)
    .where(eq(campaign.id, campaignId));
  return row && new ReturnPaths(row.number, bounceDomain);
}
