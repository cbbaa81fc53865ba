import { type SQL, sql } from 'drizzle-orm';
import { advisoryLocks } from '../../db/advisory-locks.ts';
import type { Queries } from '../../db/connect.ts';

/**
 * Until the transaction `tx` ends nobody else makes, moves or erases a contact of these addresses. Without it one that is
 * erased at this moment could be made again.
 */
export async function lockAddresses(tx: Queries, keys: readonly string[]): Promise<void> {
  // One after the other and in one order, so that nobody waits in a circle.
  for (const key of [...new Set(keys)].sort()) {
    await tx.execute(addressLock(key));
  }
}

/** The same of one address, as a query for a statement. */
export function addressLock(key: string): SQL {
  return sql`select pg_advisory_xact_lock(${advisoryLocks.addresses}, hashtext(${key}))`;
}
