import { sql } from 'drizzle-orm';
import { fingerprint, type TrackingKeys } from '../config/keys.ts';
import type { Queries } from './connect.ts';
import { serverState } from './server-presence.ts';

/**
 * The servers that answer links, or judge what comes back, and do not know these keys: for them what is made with the keys
 * is forged. One that is just stopping still answers.
 */
export async function serversThatCannotRead(db: Queries, keys: TrackingKeys): Promise<string[]> {
  const { rows } = await db.execute<{ name: string }>(sql`
    select name from server
     where role in ('content-delivery', 'processing') and ${serverState} in ('alive', 'stopping')
       and ${fingerprint(keys)} <> all (reads_keys)
     order by name`);
  return rows.map(({ name }) => name);
}
