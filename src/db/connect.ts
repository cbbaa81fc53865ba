import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { UnavailableError } from '../domain/errors.ts';
import * as schema from './schema.ts';
import { transactionIn } from './transaction.ts';

export type Database = NodePgDatabase<typeof schema> & { readonly $client: pg.Pool };
/** A database or a transaction in it. */
export type Queries = Pick<Database, 'select' | 'insert' | 'update' | 'delete' | 'execute' | 'query'>;

export interface ConnectOptions {
  /** Shown in pg_stat_activity, for the operator. */
  readonly applicationName: string;
  /** Connections at most. */
  readonly max?: number;
  /** Called for a connection that breaks while nobody uses it; the pool replaces it by itself. */
  readonly onIdleError?: (error: Error) => void;
  /**
   * How long a transaction may wait for its next statement before the server ends it, milliseconds. For processes that
   * others wait for: one that is frozen, or cut off, keeps what it has locked for no longer. Default: without end.
   */
  readonly idleInTransactionMs?: number;
  /**
   * How long the answer to a query may take, milliseconds: a connection that fell silent, as a failed-over server's does, is
   * given up then and not after the minutes that TCP takes. Default: without end, since there are queries of a million rows.
   */
  readonly queryTimeoutMs?: number;
}

/**
 * Opens a pool of connections. Nothing is sent until the first query.
 * The caller closes it with `closeDatabase`.
 */
export function connectDatabase(url: string, options: ConnectOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.applicationName,
    max: options.max ?? 10,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    ...(options.queryTimeoutMs === undefined ? {} : { query_timeout: options.queryTimeoutMs }),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    // Not a parameter of the connection's start: poolers such as PgBouncer refuse those that they don't know.
    onConnect: async (client) => {
      if (options.idleInTransactionMs === undefined) return;
      await client.query(`set idle_in_transaction_session_timeout = ${options.idleInTransactionMs}`);
    },
  });
  // Without listeners a connection that breaks would end the process: one while idle, the other inside a transaction,
  // whose query fails with the same error.
  pool.on('error', (error) => options.onIdleError?.(error));
  pool.on('connect', (client) => client.on('error', () => undefined));
  return Object.assign(drizzle(pool, { schema }), { transaction: transactionIn(pool) }) as Database;
}

export async function closeDatabase(db: Database): Promise<void> {
  await db.$client.end();
}

/** Asks the server for its version. @throws UnavailableError that says where nothing answered, without the password. */
export async function pingDatabase(db: Database, url: string): Promise<string> {
  try {
    const result = await db.$client.query<{ server_version: string }>('show server_version');
    return result.rows[0]?.server_version ?? 'unknown';
  } catch (cause) {
    throw new UnavailableError(
      'DATABASE_UNREACHABLE',
      `PostgreSQL does not answer at ${hidePassword(url)}: ${String((cause as Error).message)}`,
      {
        field: 'DATABASE_URL',
        value: hidePassword(url),
        hint: 'Start it ("exm up" starts a local one) or correct DATABASE_URL.',
        cause,
      },
    );
  }
}

/** A connection URL as it may be shown: without its password. */
export function hidePassword(url: string): string {
  try {
    const parsed = new URL(url);
    if (parsed.password) parsed.password = '***';
    return parsed.toString();
  } catch {
    return '(not a URL)';
  }
}
