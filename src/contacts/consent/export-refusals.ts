import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../../db/connect.ts';
import { readRows } from '../../db/read-rows.ts';
import { inSnapshot } from '../../db/snapshot.ts';
import { csvLine } from '../import/csv-line.ts';
import { laterLists } from '../lists/list-name.ts';
import { findList } from '../lists/lists.ts';
import { generalNoReason } from './general-no.ts';

type Write = (text: string) => Promise<void>;

/**
 * Writes every opt-out as CSV of the columns `email`, `list` (empty: all mail; `*`: every list that is made later), `reason` and `since`, as `importOptOuts` takes
 * it; in the order of addresses, as of one moment, in memory that does not grow.
 *
 * @param listName only those of this list
 * @returns how many
 * @throws InputError LIST_UNKNOWN
 */
export async function exportOptOuts(db: Database, write: Write, listName?: string): Promise<number> {
  const list = listName === undefined ? undefined : await findList(db, listName, '--list');
  const ofLists = sql`
    select o.email_key, l.name as list, o.reason, o.created_at from list_opt_out o join contact_list l on l.id = o.list_id`;
  const query =
    list === undefined
      ? sql`select email_key, '' as list, reason, created_at from global_opt_out
            union all select email_key, ${laterLists}::text, ${generalNoReason}::text, created_at from general_no
            union all ${ofLists}`
      : sql`${ofLists} where l.id = ${list.id}`;
  return await exportRows(db, write, ['email', 'list', 'reason', 'since'], query, sql`email_key, list`);
}

/** Writes the suppression list as CSV of the columns `email`, `cause`, `reason` and `since`, as `importSuppression` takes it. */
export async function exportSuppression(db: Database, write: Write): Promise<number> {
  const query = sql`select email_key, cause, reason, created_at from suppression`;
  return await exportRows(db, write, ['email', 'cause', 'reason', 'since'], query, sql`email_key`);
}

async function exportRows(
  db: Database,
  write: Write,
  columns: readonly [string, string, string, string],
  query: SQL,
  order: SQL,
): Promise<number> {
  return await inSnapshot(db, async (tx) => {
    await write(csvLine(columns));
    let count = 0;
    const [, kind] = columns;
    const ordered = sql`
      select email_key as email, ${sql.identifier(kind)} as kind, reason, (extract(epoch from created_at) * 1000)::float8 as at
        from (${query}) refusal order by ${order}`;
    type Row = { email: string; kind: string; reason: string; at: number };
    for await (const rows of readRows<Row>(tx, ordered)) {
      const lines = rows.map(({ email, kind, reason, at }) =>
        csvLine([email, kind, reason, new Date(Math.floor(at)).toISOString()]),
      );
      await write(lines.join(''));
      count += rows.length;
    }
    return count;
  });
}
