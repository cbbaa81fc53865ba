import { inArray } from 'drizzle-orm';
import type { Database } from '../../src/db/connect.ts';
import { server } from '../../src/db/schema.ts';

/** What `exm server sleep` does. */
export async function setSleep(db: Database, names: readonly string[], sleepMs: number): Promise<void> {
  await db
    .update(server)
    .set({ sleepMs })
    .where(inArray(server.name, [...names]));
}
