import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { presenceTimeoutMs } from '../db/server-presence.ts';

/** How many processing workers were heard of lately and were not stopped. */
export async function countLiveProcessors(db: Queries): Promise<number> {
  const { rows } = await db.execute<{ alive: number }>(sql`
    select count(*)::int as alive from server
     where role = 'processing' and stopped_at is null
       and seen_at > now() - ${presenceTimeoutMs} * interval '1 millisecond'`);
  return rows[0]?.alive ?? 0;
}
