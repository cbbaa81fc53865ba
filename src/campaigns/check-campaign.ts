import { inArray } from 'drizzle-orm';
import { isFacetOfSomebody, someFacetNames } from '../contacts/facets/facet-names.ts';
import type { Database, Queries } from '../db/connect.ts';
import { contactList } from '../db/schema.ts';
import {
  type CheckOptions,
  type ContentCheck,
  checkContent,
  idleRule,
} from '../message/check/check-content.ts';
import { type Finding, sortFindings } from '../message/check/findings.ts';
import { contactTokens, type FacetUse, unknownToken, withPlace } from '../message/check/tokens.ts';
import type { CampaignDefinition } from '../message/content.ts';
import { type Locate, locateByName } from '../message/locate.ts';
import { didYouMean } from '../message/nearest.ts';
import { warnOfFacetsNobodyHas, withFacetTypes } from './rule-facets.ts';

/** As `checkContent`, with what only the database knows: whether the lists exist, and whether anybody has the facets. */
export async function checkCampaign(
  db: Database,
  definition: CampaignDefinition,
  options: CheckOptions = {},
): Promise<ContentCheck> {
  const content = await checkContent(await withFacetTypes(db, definition), options);
  const { locate = locateByName } = options;
  const lists = await checkLists(db, definition, locate);
  const facets = await checkFacets(db, content.facets);
  const inVain = await warnOfFacetsNobodyHas(db, content.ruleFacets);
  const rules = inVain.map((text) => idleRule(text, locate));
  return { ...content, findings: sortFindings([...content.findings, ...lists, ...facets, ...rules]) };
}

/** The lists of a campaign that do not exist. */
export async function checkLists(
  db: Queries,
  definition: Pick<CampaignDefinition, 'include' | 'exclude'>,
  locate: Locate,
): Promise<Finding[]> {
  const wanted = (['include', 'exclude'] as const).flatMap((role) =>
    definition[role].map((name, index) => ({ name, where: locate([role, index]) })),
  );
  const names = [...new Set(wanted.map(({ name }) => name))];
  if (names.length === 0) return [];
  const found = await db
    .select({ name: contactList.name })
    .from(contactList)
    .where(inArray(contactList.name, names));
  const existing = new Set(found.map(({ name }) => name));
  const unknown = wanted.filter(({ name }) => !existing.has(name));
  if (unknown.length === 0) return [];
  const lists = await db
    .select({ name: contactList.name })
    .from(contactList)
    .orderBy(contactList.name)
    .limit(10_000);
  const known = lists.map(({ name }) => name);
  const hint =
    known.length === 0
      ? 'There are no lists yet: "exm contact import FILE --list NAME" makes one.'
      : `Lists: ${known.slice(0, 10).join(', ')}${known.length > 10 ? ', ...' : ''}.`;
  return unknown.map(({ name, where }) => ({
    severity: 'error',
    code: 'LIST_UNKNOWN',
    where,
    message: `there is no list "${name}".${didYouMean(name, known)}`,
    hint,
  }));
}

/** `contact.NAME` is a facet that some contact has; anything else is taken for a slip of the pen. */
async function checkFacets(db: Database, facets: readonly FacetUse[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, where, within } of facets) {
    if (await isFacetOfSomebody(db, name)) continue;
    const names = [...contactTokens, ...(await someFacetNames(db))];
    findings.push(withPlace(unknownToken(['contact', name], didYouMean(name, names), names), where, within));
  }
  return findings;
}
