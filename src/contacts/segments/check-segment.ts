import { inArray, sql } from 'drizzle-orm';
import type { ExpressionProblem } from '../../cel/vocabulary.ts';
import type { Queries } from '../../db/connect.ts';
import { campaign, contactList } from '../../db/schema.ts';
import type { FacetType } from '../../domain/facet.ts';
import { didYouMean } from '../../message/nearest.ts';
import { isFacetOfSomebody, someFacetNames } from '../facets/facet-names.ts';
import { type FacetTypes, holdFacetTypes, readFacetTypes } from '../facets/facet-types.ts';
import type { NamedParts } from './named-parts.ts';
import { compileSegment, segmentMembers, segmentWrong } from './segment-members.ts';
import type { ValueType } from './value.ts';

/** Names that are compared to guess at what was meant. */
const namesCompared = 10_000;

/**
 * Checks a condition against what the database knows: lists and campaigns have to be there, facets are of the type that they
 * are taken for. The lists cannot be removed until the transaction ends.
 *
 * @returns warnings of facets that nobody has
 * @throws InputError SEGMENT_WRONG
 */
export async function checkSegment(tx: Queries, expression: string, field?: string): Promise<string[]> {
  await holdFacetTypes(tx);
  const compiled = compileSegment(expression);
  if ('message' in compiled) throw segmentWrong(expression, compiled, field);
  const { named } = compiled.sources;
  await holdLists(tx, named);
  const problem = await unknownPart(tx, named);
  if (problem !== undefined) throw segmentWrong(expression, problem, field);
  // Whatever else the database would say of it, it says now.
  await tx.execute(sql`explain ${segmentMembers(expression)}`);
  return await warnOfNobodysFacets(tx, named);
}

/**
 * Checks a segment that was saved, before it is used: whatever it names has to be there still, as what it is taken for. A
 * facet of another type or a list that is gone would make it hold for nobody, and an excluded one leave nobody out. Changes
 * and locks nothing.
 *
 * @throws InputError SEGMENT_WRONG
 */
export async function checkSavedSegment(db: Queries, expression: string): Promise<void> {
  const compiled = compileSegment(expression);
  const problem = 'message' in compiled ? compiled : await unknownPart(db, compiled.sources.named);
  if (problem !== undefined) throw segmentWrong(expression, problem);
}

/** The first part of a condition that the database does not know, or knows as something else. */
async function unknownPart(db: Queries, named: NamedParts): Promise<ExpressionProblem | undefined> {
  const names = named.facets.map(({ name }) => name);
  return (
    wrongType(named.facets, await readFacetTypes(db, names)) ??
    (await unknownList(db, named)) ??
    (await unknownCampaign(db, named))
  );
}

/** Nobody removes the lists until the transaction ends. */
async function holdLists(tx: Queries, { lists }: NamedParts): Promise<void> {
  const names = lists.map(({ name }) => name);
  if (names.length === 0) return;
  await tx.execute(
    sql`select from contact_list where name = any (${sql.param(names)}::text[]) order by id for key share`,
  );
}

const typeTaken: Readonly<Record<ValueType, FacetType>> = {
  int: 'number',
  double: 'number',
  string: 'text',
  bool: 'boolean',
  timestamp: 'date',
};

const inWords: Readonly<Record<FacetType, string>> = {
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  date: 'a day',
};

/** The first facet that is taken for another type than it has; facets that are not in `types` are text. */
export function wrongType(facets: NamedParts['facets'], types: FacetTypes): ExpressionProblem | undefined {
  for (const { name, type, character } of facets) {
    const is = types.get(name) ?? 'text';
    const taken = type === undefined ? is : typeTaken[type];
    if (taken === is) continue;
    return {
      character,
      message: `takes the facet "${name}" for ${inWords[taken]}, but it is ${inWords[is]}`,
      hint: is === 'text' ? textHint(name, taken) : typedHints[is],
    };
  }
  return undefined;
}

function textHint(name: string, taken: FacetType): string {
  const convert = taken === 'number' ? `Write double(contact.facets.${name}), or make` : 'Make';
  return `${convert} it one with "exm facet set ${name} --type ${taken}".`;
}

const typedHints: Readonly<Record<Exclude<FacetType, 'text'>, string>> = {
  number: 'Compare it with a number, without quotes.',
  boolean: 'Write contact.facets.vip, or !contact.facets.vip.',
  date: 'Compare it with date("2026-01-31"), today() or daysAgo(90).',
};

async function unknownList(tx: Queries, { lists }: NamedParts): Promise<ExpressionProblem | undefined> {
  if (lists.length === 0) return undefined;
  const found = await tx
    .select({ name: contactList.name, expression: contactList.expression })
    .from(contactList)
    .where(
      inArray(
        contactList.name,
        lists.map(({ name }) => name),
      ),
    );
  const kinds = new Map(
    found.map(({ name, expression }) => [name, expression === null ? 'static' : 'segment']),
  );
  const wrong = lists.find(({ name }) => kinds.get(name) !== 'static');
  if (wrong === undefined) return undefined;
  const { name, character } = wrong;
  if (kinds.get(name) === 'segment') {
    return {
      character,
      message: `asks for "${name}", which is a segment itself`,
      hint: 'Only static lists can be asked for: write its condition here.',
    };
  }
  const all = await tx.select({ name: contactList.name }).from(contactList).limit(namesCompared);
  const guess = didYouMean(
    name,
    all.map((list) => list.name),
  );
  return {
    character,
    message: `asks for a list "${name}", which there is not.${guess}`,
    hint: 'See them all with "exm list ls".',
  };
}

async function unknownCampaign(
  tx: Queries,
  { campaigns }: NamedParts,
): Promise<ExpressionProblem | undefined> {
  if (campaigns.length === 0) return undefined;
  const ids = campaigns.map(({ name }) => name);
  const found = await tx.select({ id: campaign.id }).from(campaign).where(inArray(campaign.id, ids));
  const wrong = campaigns.find(({ name }) => !found.some(({ id }) => id === name));
  if (wrong === undefined) return undefined;
  const all = await tx.select({ id: campaign.id }).from(campaign).limit(namesCompared);
  const guess = didYouMean(
    wrong.name,
    all.map(({ id }) => id),
  );
  return {
    character: wrong.character,
    message: `asks for a campaign "${wrong.name}", which there is not.${guess}`,
    hint: 'Name it by its id: "exm campaign ls" shows them.',
  };
}

async function warnOfNobodysFacets(tx: Queries, { facets }: NamedParts): Promise<string[]> {
  const warnings: string[] = [];
  for (const name of new Set(facets.map((one) => one.name))) {
    if (await isFacetOfSomebody(tx, name)) continue;
    const guess = didYouMean(name, await someFacetNames(tx));
    warnings.push(`no contact has the facet "${name}".${guess}`);
  }
  return warnings;
}
