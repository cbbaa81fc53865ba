import { sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';

/** True where at least one contact has the facet. */
export async function isFacetOfSomebody(db: Queries, name: string): Promise<boolean> {
  const { rows } = await db.execute(sql`select 1 from contact where jsonb_exists(facets, ${name}) limit 1`);
  return rows.length > 0;
}

/** Names of facets for a guess at what was meant: those of the first contacts. */
export async function someFacetNames(db: Queries): Promise<string[]> {
  const { rows } = await db.execute<{ name: string }>(sql`
    select distinct jsonb_object_keys(facets) as name from (select facets from contact order by id limit 1000) first_contacts
     limit 200`);
  return rows.map(({ name }) => name);
}
