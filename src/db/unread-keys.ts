import { sql } from 'drizzle-orm';
import { fingerprint, type TrackingKeys } from '../config/keys.ts';
import type { Database } from './connect.ts';
import { serverState } from './server-presence.ts';
import { timedQuery } from './timed-query.ts';

/** Milliseconds. */
const queryTimeoutMs = 5_000;

/**
 * The servers that answer links, or judge what comes back, and do not know these keys: for them what is made with the keys
 * is forged. One that is just stopping still answers.
 */
export async function serversThatCannotRead(db: Database, keys: TrackingKeys): Promise<string[]> {
  const unable = sql`
    select name from server
     where role in ('content-delivery', 'processing') and ${serverState} in ('alive', 'stopping')
       and ${fingerprint(keys)} <> all (reads_keys)
     order by name`;
  const { rows } = await timedQuery<{ name: string }>(db, unable, queryTimeoutMs);
  return rows.map(({ name }) => name);
}
