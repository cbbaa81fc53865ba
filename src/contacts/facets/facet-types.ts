import { inArray, sql } from 'drizzle-orm';
import { advisoryLocks } from '../../db/advisory-locks.ts';
import type { Queries } from '../../db/connect.ts';
import { facet } from '../../db/schema.ts';
import type { FacetType } from '../../domain/facet.ts';

/** Types by name; a facet that is missing here is text. */
export type FacetTypes = ReadonlyMap<string, FacetType>;

/** @param names only these; default all */
export async function readFacetTypes(db: Queries, names?: readonly string[]): Promise<FacetTypes> {
  if (names?.length === 0) return new Map();
  const rows = await db
    .select({ name: facet.name, type: facet.type })
    .from(facet)
    .where(names === undefined ? undefined : inArray(facet.name, [...names]));
  return new Map(rows.map(({ name, type }) => [name, type]));
}

/**
 * Until the transaction ends the types stay as they are: for whoever reads them to write values. A type that is about to
 * be changed is waited for.
 */
export async function holdFacetTypes(tx: Queries): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(${advisoryLocks.facetTypes}::bigint)`);
}

/** Waits for those who write values, and keeps others from it until the transaction ends. */
export async function lockFacetTypes(tx: Queries): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${advisoryLocks.facetTypes}::bigint)`);
}
