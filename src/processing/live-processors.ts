import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { isAlive } from '../db/server-presence.ts';

/** How many processing workers were heard of lately and take work. */
export async function countLiveProcessors(db: Queries): Promise<number> {
  const { rows } = await db.execute<{ alive: number }>(sql`
    select count(*)::int as alive from server
     where role = 'processing' and ${isAlive}`);
  return rows[0]?.alive ?? 0;
}
