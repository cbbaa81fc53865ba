import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from './connect.ts';
import { listedDays, type ServerRow, type ServerState, serverState } from './server-presence.ts';

export type ListedServer = Pick<
  ServerRow,
  'name' | 'role' | 'pool' | 'host' | 'pid' | 'threads' | 'sleepMs' | 'health' | 'unready'
> & {
  readonly state: ServerState;
  /** When it started, began to stop, had stopped, or was heard of last. */
  readonly since: Date;
};

export interface ListedServers {
  readonly servers: ListedServer[];
  /** How many more there are that stopped or died more than `listedDays` ago. */
  readonly older: number;
}

/** The worker processes that live or stopped or died lately, by role and name; on request all there have been. */
export async function listServers(db: Queries, options: { readonly all: boolean }): Promise<ListedServers> {
  const { rows } = await db.execute<Omit<ListedServer, 'since'> & { since: Date | string; old: boolean }>(sql`
    select name, role, pool, host, pid, threads, sleep_ms as "sleepMs", health, unready, state, since,
           state in ('stopped', 'dead') and since < now() - ${listedDays} * interval '1 day' as old
      from (select *, ${serverState} as state, ${since} as since from server) as server
     order by role, name`);
  const listed = rows.filter(({ old }) => options.all || !old);
  return {
    servers: listed.map(({ old, ...server }) => ({ ...server, since: new Date(server.since) })),
    older: rows.length - listed.length,
  };
}

const since: SQL = sql`case ${serverState}
  when 'alive' then started_at when 'stopping' then stopping_at when 'stopped' then stopped_at else seen_at end`;
