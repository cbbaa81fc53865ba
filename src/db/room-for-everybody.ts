import { sql } from 'drizzle-orm';
import type { Queries } from './connect.ts';

/**
 * For the rest of the transaction: memory to sort and hash a million people in, and no just-in-time compilation, which costs more
 * than it saves in what runs for a second.
 *
 * @param megabytes of each sort or hash, not of the whole query
 */
export async function makeRoomForEverybody(tx: Queries, megabytes: number): Promise<void> {
  await tx.execute(
    sql`select set_config('work_mem', ${`${megabytes}MB`}, true), set_config('jit', 'off', true)`,
  );
}
