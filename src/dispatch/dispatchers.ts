import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { isAlive } from '../db/server-presence.ts';

/** One living dispatcher of a pool. */
export interface LiveDispatcher {
  readonly name: string;
  readonly threads: number;
  /** `ok`, or what is wrong with it. */
  readonly health: string;
}

/** The dispatchers of a pool that were heard of lately and take work. */
export async function liveDispatchers(db: Queries, pool: string): Promise<LiveDispatcher[]> {
  const { rows } = await db.execute<{ name: string; threads: number; health: string }>(sql`
    select name, threads, health from server
     where pool = ${pool} and threads > 0 and ${isAlive}
     order by name`);
  return rows.map(({ name, threads, health }) => ({ name, threads, health }));
}

/** How many messages all of them can send at once. */
export function slotsOf(dispatchers: readonly LiveDispatcher[]): number {
  return dispatchers.reduce((sum, { threads }) => sum + threads, 0);
}

/** Why none of these dispatchers can send now, its mail server being away or whatever else; null where one can. */
export function whyNoneSends(dispatchers: readonly LiveDispatcher[], pool: string): string | null {
  if (dispatchers.length === 0 || dispatchers.some(({ health }) => health === 'ok')) return null;
  const each = dispatchers.map(({ name, health }) => `${name}: ${health}`).join('; ');
  return `no dispatcher of the pool "${pool}" can send at the moment. ${each}`;
}
