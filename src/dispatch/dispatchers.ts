import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { presenceTimeoutMs } from '../db/server-presence.ts';

/** One living dispatcher of a pool. */
export interface LiveDispatcher {
  readonly name: string;
  readonly threads: number;
  /** `ok`, or what is wrong with it. */
  readonly health: string;
}

/** The dispatchers of a pool that were heard of lately and were not stopped. */
export async function liveDispatchers(db: Queries, pool: string): Promise<LiveDispatcher[]> {
  const { rows } = await db.execute<{ name: string; threads: number; health: string }>(sql`
    select name, threads, health from server
     where pool = ${pool} and threads > 0 and stopped_at is null
       and seen_at > now() - ${presenceTimeoutMs} * interval '1 millisecond'
     order by name`);
  return rows.map(({ name, threads, health }) => ({ name, threads, health }));
}

/** How many messages all of them can send at once. */
export function slotsOf(dispatchers: readonly LiveDispatcher[]): number {
  return dispatchers.reduce((sum, { threads }) => sum + threads, 0);
}
