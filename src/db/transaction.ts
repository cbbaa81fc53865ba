import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import * as schema from './schema.ts';

/**
 * `transaction` of a database that takes its connections from a pool. Drizzle's own never gives a connection back whose
 * `begin` fails: after as many failures as the pool is large, a process that runs could not reach its database any more.
 */
export function transactionIn(pool: pg.Pool): NodePgDatabase<typeof schema>['transaction'] {
  return async (work, config) => {
    const client = await pool.connect();
    let isUsable = true;
    let failure: { readonly error: unknown } | undefined;
    try {
      return await drizzle(client, { schema }).transaction(async (tx) => {
        try {
          return await work(tx);
        } catch (error) {
          failure = { error };
          throw error;
        }
      }, config);
    } catch (error) {
      // Anything else that failed was begin, commit or rollback: nobody knows in which state that left the connection.
      isUsable = error === failure?.error;
      // Where the rollback fails, too, it was because of that.
      throw failure === undefined ? error : failure.error;
    } finally {
      client.release(!isUsable);
    }
  };
}
