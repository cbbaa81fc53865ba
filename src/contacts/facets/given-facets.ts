import type { Queries } from '../../db/connect.ts';
import type { FacetType, FacetValue } from '../../domain/facet.ts';
import { givenFacetNames, wrong } from '../given-contact.ts';
import { controlCharacterButLines, facetMaximum } from '../import/import-row.ts';
import { holdFacetTypes, readFacetTypes } from './facet-types.ts';
import { facetExpected, facetJson, isFacetText } from './facet-value.ts';

export interface GivenFacets {
  readonly values: Readonly<Record<string, FacetValue>>;
  /** Names of facets that are taken away. */
  readonly unset: readonly string[];
}

/**
 * Checks free facets that are given one by one; null takes one away.
 * @throws InputError CONTACT_VALUE where one is not of the type that is kept for it
 */
export async function givenFacets(
  db: Queries,
  given: Readonly<Record<string, FacetValue | null>>,
): Promise<GivenFacets> {
  const entries = Object.entries(given);
  const names = givenFacetNames(
    entries.map(([name]) => name),
    'facets',
  );
  await holdFacetTypes(db);
  const types = await readFacetTypes(db, names);
  const values: Record<string, FacetValue> = {};
  const unset: string[] = [];
  for (const [index, name] of names.entries()) {
    const value = entries[index]?.[1] ?? null;
    if (value === null || (typeof value === 'string' && value.trim() === '')) unset.push(name);
    else values[name] = givenFacet(name, value, types.get(name) ?? 'text');
  }
  return { values, unset };
}

function givenFacet(name: string, value: FacetValue, type: FacetType): FacetValue {
  const field = `facets.${name}`;
  // As an import takes it, and a command line: a number that is written is a number.
  if (
    typeof value === 'string' &&
    (type === 'number' || type === 'boolean') &&
    isFacetText(value.trim(), type)
  )
    return JSON.parse(facetJson(value.trim(), type)) as FacetValue;
  const expected = type === 'date' ? 'text' : type;
  const is = typeof value === 'string' ? 'text' : typeof value;
  if (is !== expected) throw wrong(field, String(value), `this facet is of the type ${type}`);
  if (type === 'number' && !isFacetText(String(value), type))
    throw wrong(field, String(value), facetExpected.number);
  if (type === 'date' && !isFacetText(String(value), 'date'))
    throw wrong(field, String(value), facetExpected.date);
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (text.length > facetMaximum)
    throw wrong(field, text, `${text.length} characters; ${facetMaximum} are allowed`);
  if (controlCharacterButLines.test(text)) throw wrong(field, text, 'plain text is expected');
  return text;
}
