import { DrizzleQueryError } from 'drizzle-orm';

/**
 * What went wrong, in the database's own words. The message of drizzle's error holds the statement with all its
 * values, which may be personal: it belongs neither into a log nor into a history.
 */
export function queryMessage(error: unknown): string {
  const cause = error instanceof DrizzleQueryError ? (error.cause ?? new Error('a query failed')) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
