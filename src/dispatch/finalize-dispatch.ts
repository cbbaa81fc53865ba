import { and, eq, isNotNull } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { campaign, dispatchDeferral } from '../db/schema.ts';

/**
 * Clears what only a running dispatch needs: the notes of who was due later, and of when the winner of an A/B test is
 * due. Dispatchers close their connections by themselves when no batch asks for them.
 */
export async function finalizeDispatch(db: Database, campaignId: string): Promise<void> {
  await db
    .update(campaign)
    .set({ winnerDueAt: null })
    .where(and(eq(campaign.id, campaignId), isNotNull(campaign.winnerDueAt)));
  await db.delete(dispatchDeferral).where(eq(dispatchDeferral.campaignId, campaignId));
}
