import { and, eq, isNull } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { dispatchBatch } from '../db/schema.ts';

/** Numbers of the batches that a dispatcher has taken and not ended. */
export async function takenBatches(db: Queries, campaignId: string): Promise<number[]> {
  const rows = await db
    .select({ batch: dispatchBatch.batch })
    .from(dispatchBatch)
    .where(and(eq(dispatchBatch.campaignId, campaignId), isNull(dispatchBatch.endedAt)))
    .orderBy(dispatchBatch.batch);
  return rows.map(({ batch }) => batch);
}
