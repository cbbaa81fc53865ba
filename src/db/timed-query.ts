import type { SQL } from 'drizzle-orm';
import { PgDialect } from 'drizzle-orm/pg-core';
import type { QueryResult } from 'pg';
import type { Database } from './connect.ts';

const dialect = new PgDialect();

/**
 * A query whose answer may take so long, also in a process that has others of any length: a connection that fell silent is given up
 * then, and the next query goes over another one.
 *
 * @param timeoutMs milliseconds
 */
export async function timedQuery<Row extends object>(
  db: Database,
  query: SQL,
  timeoutMs: number,
): Promise<QueryResult<Row>> {
  const { sql: text, params } = dialect.sqlToQuery(query);
  const statement = { text, values: params, query_timeout: timeoutMs };
  return await db.$client.query<Row>(statement as { text: string; values: unknown[] });
}
