import { kill } from 'node:process';
import { eq, sql } from 'drizzle-orm';
import type { PgUpdateSetSource } from 'drizzle-orm/pg-core';
import { RefusedError } from '../domain/errors.ts';
import type { Database } from './connect.ts';
import { server } from './schema.ts';

export type ServerRow = typeof server.$inferSelect;

/** How often a process says that it lives. */
export const presenceIntervalMs = 2_000;
/** A server that has not been heard of for so long counts as dead. */
export const presenceTimeoutMs = 10_000;

/** A server that has stopped or died so long ago is shown only where all are asked for; its name stays in the books. */
export const listedDays = 7;

export interface ServerPresence {
  /** Says that the server takes no new work from now on. Never rejects. */
  stopping(): Promise<void>;
  /**
   * The last thing a server says: that it stopped as planned. Where it did not it only falls silent, so that it is shown
   * as dead. Never rejects.
   */
  end(planned: boolean): Promise<void>;
}

export type NewServer = Pick<ServerRow, 'name' | 'role' | 'host' | 'pid' | 'pool' | 'threads' | 'sleepMs'> &
  Partial<Pick<ServerRow, 'readsKeys'>>;

/**
 * Enters this process in the table of servers and keeps saying that it lives, until stopped. Where the database is
 * away it goes on trying: presence is a courtesy to operators, never a reason to stop.
 *
 * @throws RefusedError where another living process has the name
 */
export async function startServerPresence(db: Database, row: NewServer): Promise<ServerPresence> {
  await enter(db, row);
  const mine = sql`${server.name} = ${row.name} and ${server.host} = ${row.host} and ${server.pid} = ${row.pid}`;
  let isStopping = false;
  const say = async (more: PgUpdateSetSource<typeof server> = {}) => {
    const stoppingAt = isStopping ? { stoppingAt: sql`coalesce(${server.stoppingAt}, now())` } : {};
    await db
      .update(server)
      .set({ seenAt: sql`now()`, ...stoppingAt, ...more })
      .where(mine)
      .catch(() => undefined);
  };
  const timer = setInterval(() => void say(), presenceIntervalMs);
  return {
    async stopping() {
      isStopping = true;
      await say();
    },
    async end(planned) {
      clearInterval(timer);
      isStopping = true;
      await say(planned ? { stoppedAt: sql`now()` } : {});
    },
  };
}

/** What became of a server, as far as the table tells. */
export type ServerState = 'alive' | 'stopping' | 'stopped' | 'dead';

/** The state of a row: dead is one that fell silent without having said that it stopped. */
export const serverState = sql<ServerState>`case
  when server.stopped_at is not null then 'stopped'
  when server.seen_at <= now() - ${presenceTimeoutMs} * interval '1 millisecond' then 'dead'
  when server.stopping_at is not null then 'stopping' else 'alive' end`;

/** The state of a server that is joined to by its name, and may not be in the table any more. */
export const holderState = sql<ServerState>`case
  when server.name is null then 'stopped' else ${serverState} end`;

/** True of a server that was heard of lately and takes work. */
export const isAlive = sql`(${serverState} = 'alive')`;

/** Says what is wrong with a server, or `ok`. */
export async function setServerHealth(db: Database, name: string, health: string): Promise<void> {
  await db.update(server).set({ health }).where(eq(server.name, name));
}

async function enter(db: Database, row: NewServer): Promise<void> {
  await db.transaction(async (tx) => {
    const [holder] = await tx
      .select({
        row: server,
        isRecent: sql<boolean>`${server.seenAt} > now() - ${presenceTimeoutMs} * interval '1 millisecond'`,
      })
      .from(server)
      .where(eq(server.name, row.name))
      .for('update');
    if (holder !== undefined && holder.row.stoppedAt === null && holder.isRecent && lives(holder.row, row)) {
      throw new RefusedError(
        'SERVER_NAME_TAKEN',
        `A server of the name "${row.name}" is running already, as process ${holder.row.pid} on ${holder.row.host}.`,
        {
          field: '--name',
          value: row.name,
          hint: 'Give each worker a name of its own, or stop the other one.',
        },
      );
    }
    await tx
      .insert(server)
      .values(row)
      .onConflictDoUpdate({
        target: server.name,
        set: {
          ...row,
          health: 'ok',
          unready: {},
          startedAt: sql`now()`,
          seenAt: sql`now()`,
          stoppingAt: null,
          stoppedAt: null,
        },
      });
  });
}

/** Whether the holder of the name still runs. Of another host it is believed; of this one it is seen. */
function lives(holder: ServerRow, row: NewServer): boolean {
  if (holder.host !== row.host) return true;
  if (holder.pid === row.pid) return false;
  try {
    kill(holder.pid, 0);
    return true;
  } catch {
    return false;
  }
}
