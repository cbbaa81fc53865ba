import { sql } from 'drizzle-orm';
import type { Queries } from '../../src/db/connect.ts';

/** How many wait for a lock in this database; the server has others. */
export async function waitingForLocks(db: Queries): Promise<number> {
  const { rows } = await db.execute(
    sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows.length;
}
