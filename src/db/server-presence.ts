import { eq, sql } from 'drizzle-orm';
import type { Database } from './connect.ts';
import { server } from './schema.ts';

export type ServerRow = typeof server.$inferSelect;

/** How often a process says that it lives. */
export const presenceIntervalMs = 2_000;
/** A server that has not been heard of for so long counts as dead. */
export const presenceTimeoutMs = 10_000;

export interface ServerPresence {
  /** Says what is wrong with this server, or `ok`. */
  setHealth(health: string): void;
  /** Says that the server stopped as planned. */
  stop(): Promise<void>;
}

export type NewServer = Pick<ServerRow, 'name' | 'role' | 'host' | 'pid' | 'pool' | 'threads' | 'sleepMs'>;

/**
 * Enters this process in the table of servers and keeps saying that it lives, until stopped. Where the database is
 * away it goes on trying: presence is a courtesy to operators, never a reason to stop.
 */
export async function startServerPresence(db: Database, row: NewServer): Promise<ServerPresence> {
  await db
    .insert(server)
    .values(row)
    .onConflictDoUpdate({
      target: server.name,
      set: { ...row, health: 'ok', startedAt: sql`now()`, seenAt: sql`now()`, stoppedAt: null },
    });
  let health = 'ok';
  let saying: Promise<unknown> = Promise.resolve();
  const say = () => {
    saying = db
      .update(server)
      .set({ seenAt: sql`now()`, health })
      .where(eq(server.name, row.name))
      .catch(() => undefined);
  };
  const timer = setInterval(say, presenceIntervalMs);
  return {
    setHealth(text) {
      if (text === health) return;
      health = text;
      say();
    },
    async stop() {
      clearInterval(timer);
      await saying;
      await db
        .update(server)
        .set({ stoppedAt: sql`now()` })
        .where(eq(server.name, row.name))
        .catch(() => undefined);
    },
  };
}
