import { eq } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { dispatchDeferral } from '../db/schema.ts';

/**
 * Clears what only a running dispatch needs: the notes of who was due later. Dispatchers close their connections by
 * themselves when no batch asks for them.
 */
export async function finalizeDispatch(db: Database, campaignId: string): Promise<void> {
  await db.delete(dispatchDeferral).where(eq(dispatchDeferral.campaignId, campaignId));
}
