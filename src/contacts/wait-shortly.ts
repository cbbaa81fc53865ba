import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';

const pageTimeoutMs = 3_000;

/**
 * For a page that changes a contact: while an import merges it that takes long, and a page that waited for it would keep
 * connections from people who unsubscribe. What the transaction cannot get soon fails, and may be tried again.
 *
 * @param timeoutMs milliseconds for each lock; default: what a person waits for
 */
export async function waitShortly(tx: Queries, timeoutMs = pageTimeoutMs): Promise<void> {
  await tx.execute(sql.raw(`set local lock_timeout = ${timeoutMs}`));
}
