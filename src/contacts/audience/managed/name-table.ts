import { sql } from 'drizzle-orm';
import type { Queries } from '../../../db/connect.ts';
import { nameTable } from '../judged-audience.ts';
import type { NamedRecipients } from './name-recipients.ts';

/** Rows for one statement. */
const rowsPerInsert = 50_000;

/** Enters whom a DispatchManager named, in its order, into a table that is gone with the transaction. */
export async function createNameTable(tx: Queries, { batches }: NamedRecipients): Promise<void> {
  await tx.execute(sql`
    create temporary table ${nameTable} (
      place bigint generated always as identity, contact_id bigint not null, variant smallint, language text
    ) on commit drop`);
  const ids: number[] = [];
  const variants: (number | null)[] = [];
  const languages: (string | null)[] = [];
  const flush = async () => {
    if (ids.length === 0) return;
    await tx.execute(sql`
      insert into ${nameTable} (contact_id, variant, language)
      select id, variant, language
        from unnest(${sql.param(ids)}::bigint[], ${sql.param(variants)}::smallint[], ${sql.param(languages)}::text[])
             with ordinality as named(id, variant, language, place) order by place`);
    for (const column of [ids, variants, languages]) column.length = 0;
  };
  for (const batch of batches) {
    ids.push(...batch.contactIds);
    variants.push(...batch.variants);
    languages.push(...batch.languages);
    if (ids.length >= rowsPerInsert) await flush();
  }
  await flush();
  // The planner knows nothing of a new table, and would compare each with each.
  await tx.execute(sql`analyze ${nameTable}`);
}
