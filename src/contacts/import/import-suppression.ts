import type { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { putOnSuppressionList } from '../consent/put-on-suppression-list.ts';
import { type ImportRefusalsOptions, importRefusals, type RefusalsReport } from './import-refusals.ts';

/**
 * Puts addresses on the suppression list from CSV with the column `email`, and `cause`, `reason` and `since` where there are any. As
 * an import of contacts: a wrong row is refused and reported, whatever ends it early leaves no trace, and nothing that others use is
 * locked before all of it has been read.
 */
export async function importSuppression(
  db: Database,
  input: Readable | string,
  options: ImportRefusalsOptions,
): Promise<RefusalsReport> {
  const enter = async (tx: Queries) => {
    const { added } = await putOnSuppressionList(
      tx,
      sql`select key, cause, reason, since from refusal_row order by place`,
    );
    return added;
  };
  return await importRefusals(db, input, options, { enter });
}
