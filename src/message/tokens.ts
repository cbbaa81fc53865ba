import { InputError } from '../domain/errors.ts';
import { allBodies } from './all-bodies.ts';
import type { BodyDefinition, CampaignDefinition } from './content.ts';
import { createLiquid, liquidPosition, liquidReason } from './liquid.ts';
import { type DefinitionPath, dotted, type Locate, locateByName } from './locate.ts';
import { didYouMean } from './nearest.ts';

/**
 * Tokens that templates may use:
 * - `contact.id`, `.email`, `.firstName`, `.lastName`, `.language`, and `contact.facets.NAME` for any facet;
 *   `contact.NAME` is short for a facet that at least one contact has (so that a slip of the pen is noticed);
 * - `campaign.id`, `.name`, and `campaign.values.NAME`, for short `campaign.NAME`, for the file's values;
 * - `unsubscribeUrl` and `viewOnlineUrl`.
 */
export const contactTokens = ['id', 'email', 'firstName', 'lastName', 'language', 'facets'] as const;
export const campaignTokens = ['id', 'name', 'values'] as const;
export const linkTokens = ['unsubscribeUrl', 'viewOnlineUrl'] as const;

/** A use of `contact.NAME` that is right only if some contact has a facet NAME. */
export interface FacetUse {
  readonly name: string;
  /** `file:line:column` */
  readonly where: string;
}

/** A text of a body that is Liquid. */
export interface LiquidSource {
  readonly text: string;
  readonly place: (line: number, column: number) => string;
}

/**
 * Checks the Liquid of all bodies: it parses, and every token in it exists.
 *
 * @returns the facets named the short way, which only the database can confirm.
 * @throws InputError TEMPLATE_LIQUID or TEMPLATE_TOKEN with file, line and column.
 */
export function checkTokens(definition: CampaignDefinition, locate: Locate = locateByName): FacetUse[] {
  const liquid = createLiquid({ output: 'plain' });
  const facets = new Map<string, FacetUse>();
  for (const { body, path } of allBodies(definition)) {
    for (const source of sourcesOf(body, path, locate)) {
      for (const { segments, row, col } of tokensIn(liquid, source)) {
        const where = source.place(row, col);
        const facet = checkToken(segments, definition, where);
        if (facet !== undefined && !facets.has(facet)) facets.set(facet, { name: facet, where });
      }
    }
  }
  return [...facets.values()];
}

export function sourcesOf(body: BodyDefinition, path: DefinitionPath, locate: Locate): LiquidSource[] {
  const inFile = (file: string) => (line: number, column: number) => `${file}:${line}:${column}`;
  const inKey = (key: string) => (line: number, column: number) =>
    `${locate([...path, key])}: ${key}, ${line > 1 ? `line ${line}, ` : ''}character ${column}`;
  return [
    { text: body.subject, place: inKey('subject') },
    { text: body.template.source, place: inFile(body.template.file) },
    ...(body.text === undefined
      ? []
      : [{ text: body.text, place: body.textFile === undefined ? inKey('text') : inFile(body.textFile) }]),
  ];
}

interface TokenUse {
  readonly segments: readonly unknown[];
  readonly row: number;
  readonly col: number;
}

function tokensIn(liquid: ReturnType<typeof createLiquid>, source: LiquidSource): TokenUse[] {
  try {
    const { globals } = liquid.analyzeSync(liquid.parse(source.text));
    return Object.values(globals)
      .flat()
      .map(({ segments, location }) => ({ segments, row: location.row, col: location.col }))
      .sort((a, b) => a.row - b.row || a.col - b.col);
  } catch (error) {
    const at = liquidPosition(error) ?? { line: 1, column: 1 };
    const where = source.place(at.line, at.column);
    throw new InputError('TEMPLATE_LIQUID', `${where}: this Liquid is wrong: ${liquidReason(error)}.`, {
      field: where,
      hint: 'Close every {{ }} and {% %}; the tags are those of https://liquidjs.com except include, render, layout and block.',
    });
  }
}

/** @returns the name of the facet where the token is short for one. */
function checkToken(
  segments: readonly unknown[],
  definition: CampaignDefinition,
  where: string,
): string | undefined {
  const [root, name, third] = segments;
  if (root === 'contact') {
    if (name === undefined) throw unknownToken(segments, where, ' Name one of its values.', contactTokens);
    if (typeof name !== 'string' || isOneOf(contactTokens, name)) return undefined;
    return name;
  }
  if (root === 'campaign') {
    const values = Object.keys(definition.values);
    if (name === undefined) throw unknownToken(segments, where, ' Name one of its values.', campaignTokens);
    if (typeof name !== 'string') return undefined;
    const value = name === 'values' ? third : isOneOf(campaignTokens, name) ? undefined : name;
    if (typeof value !== 'string' || values.includes(value)) return undefined;
    const near = didYouMean(value, name === 'values' ? values : [...campaignTokens, ...values]);
    throw unknownToken(segments, where, near, [...campaignTokens, ...values]);
  }
  if (isOneOf(linkTokens, root)) return undefined;
  const known = ['contact', 'campaign', ...linkTokens];
  const meant = contactTokens.find((one) => one === root);
  const guess = meant === undefined ? didYouMean(String(root), known) : ` Did you mean "contact.${meant}"?`;
  throw unknownToken(segments, where, guess, known);
}

function isOneOf(names: readonly string[], name: unknown): boolean {
  return typeof name === 'string' && names.includes(name);
}

export function unknownToken(
  segments: readonly unknown[],
  where: string,
  guess: string,
  known: readonly string[],
): InputError {
  const token = dotted(segments.map((part) => (typeof part === 'number' ? part : String(part))));
  return new InputError('TEMPLATE_TOKEN', `${where}: there is no token {{ ${token} }}.${guess}`, {
    field: where,
    value: token,
    hint: `Known here: ${known.slice(0, 20).join(', ')}. A facet is {{ contact.facets.NAME }}.`,
  });
}
