import type { Database, Queries } from './connect.ts';

/** Reads with all statements as of one moment. Nothing can be written, and nobody waits for it. */
export async function inSnapshot<T>(db: Database, read: (snapshot: Queries) => Promise<T>): Promise<T> {
  return await db.transaction(read, { isolationLevel: 'repeatable read', accessMode: 'read only' });
}
