import { type SQL, sql } from 'drizzle-orm';
import type { QueryResultRow } from 'pg';
import type { Queries } from './connect.ts';

/** Rows fetched at a time: fewer cost more round trips, more only memory. */
const fetchRows = 2_000;

/**
 * The rows of a query of any length, some thousand at a time, in memory that does not grow with it. As of one moment: its
 * snapshot is taken at once. One at a time in a transaction.
 */
export async function* readRows<Row extends QueryResultRow>(
  tx: Queries,
  query: SQL,
): AsyncGenerator<readonly Row[]> {
  await tx.execute(sql`declare rows_read no scroll cursor for ${query}`);
  for (;;) {
    const { rows } = await tx.execute<Row>(sql.raw(`fetch forward ${fetchRows} from rows_read`));
    // Drizzle's type of a row is the same by another name.
    if (rows.length > 0) yield rows as Row[];
    if (rows.length < fetchRows) break;
  }
  await tx.execute(sql`close rows_read`);
}
