import { setTimeout as delay } from 'node:timers/promises';
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

/** A dispatcher hears within this time that its batch was ended from outside, milliseconds (heartbeats come every 3 s). */
const endingTimeoutMs = 12_000;

/** Waits for batches that an earlier run left open to be handed back; those of dead dispatchers are not waited for long. */
export async function untilBatchesEnded(db: Queries, campaignId: string): Promise<void> {
  const until = Date.now() + endingTimeoutMs;
  while ((await takenBatches(db, campaignId)).length > 0 && Date.now() < until) await delay(250);
}
