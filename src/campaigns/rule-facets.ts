import { isFacetOfSomebody, someFacetNames } from '../contacts/facets/facet-names.ts';
import { readFacetTypes } from '../contacts/facets/facet-types.ts';
import type { Queries } from '../db/connect.ts';
import type { FacetUse } from '../message/check/tokens.ts';
import type { CampaignDefinition } from '../message/content.ts';
import { didYouMean } from '../message/nearest.ts';
import { facetsAskedFor } from '../message/rules/rule-expression.ts';

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

/** The definition with the types that the facets of its rules have now. */
export async function withFacetTypes(
  db: Queries,
  definition: CampaignDefinition,
): Promise<CampaignDefinition> {
  const rules = Object.values(definition.rules ?? {}).flat();
  const names = [...new Set(rules.flatMap(({ when }) => facetsAskedFor(when)))];
  const types = await readFacetTypes(db, names);
  return types.size === 0 ? definition : { ...definition, facetTypes: Object.fromEntries(types) };
}
