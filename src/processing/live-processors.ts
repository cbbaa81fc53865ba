import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { presenceTimeoutMs } from '../db/server-presence.ts';

const isAlive = sql`stopped_at is null and seen_at > now() - ${presenceTimeoutMs} * interval '1 millisecond'`;

/** How many processing workers were heard of lately and were not stopped. */
export async function countLiveProcessors(db: Queries): Promise<number> {
  const { rows } = await db.execute<{ alive: number }>(
    sql`select count(*)::int as alive from server where role = 'processing' and ${isAlive}`,
  );
  return rows[0]?.alive ?? 0;
}

/** True where the worker of this name has said that it is alive. */
export async function isLive(db: Queries, name: string): Promise<boolean> {
  const { rows } = await db.execute(sql`select from server where name = ${name} and ${isAlive}`);
  return rows.length > 0;
}
