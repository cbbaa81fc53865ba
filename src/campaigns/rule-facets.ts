import { isFacetOfSomebody, someFacetNames } from '../contacts/facet-names.ts';
import type { Queries } from '../db/connect.ts';
import type { FacetUse } from '../message/check/tokens.ts';
import { didYouMean } from '../message/nearest.ts';

/** Warns of rules that ask for a facet which nobody has: allowed, for contacts may still be imported, but often a slip. */
export async function warnOfFacetsNobodyHas(db: Queries, facets: readonly FacetUse[]): Promise<string[]> {
  const warnings: string[] = [];
  for (const { name, where } of new Map(facets.map((facet) => [facet.name, facet])).values()) {
    if (await isFacetOfSomebody(db, name)) continue;
    const guess = didYouMean(name, await someFacetNames(db));
    warnings.push(`${where}: no contact has the facet "${name}": the rule asks in vain.${guess}`);
  }
  return warnings;
}
