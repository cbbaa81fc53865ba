import { allBodies } from '../all-bodies.ts';
import type { BodyDefinition, CampaignDefinition } from '../content.ts';
import { type DefinitionPath, dotted, type Locate, locateByName } from '../locate.ts';
import { didYouMean } from '../nearest.ts';
import { createLiquid, liquidPosition, liquidReason } from '../render/liquid.ts';
import type { Finding } from './findings.ts';

/**
 * Tokens that templates may use:
 * - `contact.id`, `.email`, `.firstName`, `.lastName`, `.language`, and `contact.facets.NAME` for any facet;
 *   `contact.NAME` is short for a facet that at least one contact has (so that a slip of the pen is noticed);
 * - `campaign.id`, `.name`, and `campaign.values.NAME`, for short `campaign.NAME`, for the file's values;
 * - `managerRoot.NAME` for the manager root's values;
 * - `unsubscribeUrl`, `preferencesUrl` and `viewOnlineUrl`.
 */
export const contactTokens = ['id', 'email', 'firstName', 'lastName', 'language', 'facets'] as const;
export const campaignTokens = ['id', 'name', 'values'] as const;
export const linkTokens = ['unsubscribeUrl', 'preferencesUrl', 'viewOnlineUrl'] as const;

/** A use of `contact.NAME` that is right only if some contact has a facet NAME. */
export interface FacetUse {
  readonly name: string;
  /** `file:line:column` */
  readonly where: string;
  /** What else there is to say about the place. */
  readonly within?: string | undefined;
}

/** Names that tokens may have besides those of every campaign. */
export interface KnownTokens {
  readonly values: Readonly<Record<string, string>>;
  readonly managerRoot: Readonly<Record<string, string>>;
}

export interface TokenCheck {
  readonly findings: readonly Finding[];
  /** Facets named the short way, once each, which only the database can confirm. */
  readonly facets: readonly FacetUse[];
}

/** A text of a body that is Liquid. */
export interface LiquidSource {
  readonly text: string;
  /** Where a place in the text is, in words. */
  readonly place: (line: number, column: number) => string;
  /** The same, apart: the place in the file, and what else there is to say about it. */
  readonly locate: (line: number, column: number) => { readonly where: string; readonly within?: string };
}

/** Checks the Liquid of all bodies: it parses (TEMPLATE_LIQUID), and every token in it exists (TEMPLATE_TOKEN). */
export function checkTokens(
  definition: Pick<CampaignDefinition, 'bodies' | 'test' | 'values'>,
  {
    locate = locateByName,
    managerRoot = {},
  }: { locate?: Locate; managerRoot?: KnownTokens['managerRoot'] } = {},
): TokenCheck {
  const liquid = createLiquid({ output: 'plain' });
  const known = { values: definition.values, managerRoot };
  const facets = new Map<string, FacetUse>();
  const findings: Finding[] = [];
  for (const { body, path } of allBodies(definition)) {
    for (const source of sourcesOf(body, path, locate)) {
      const read = tokensIn(liquid, source);
      if ('finding' in read) findings.push(read.finding);
      else {
        for (const { segments, row, col } of read.tokens) {
          const { where, within } = source.locate(row, col);
          const checked = checkToken(segments, known);
          if (checked === undefined) continue;
          if ('unknown' in checked) findings.push(withPlace(checked.unknown, where, within));
          else if (!facets.has(checked.facet))
            facets.set(checked.facet, { name: checked.facet, where, ...(within ? { within } : {}) });
        }
      }
    }
  }
  return { findings, facets: [...facets.values()] };
}

export function sourcesOf(body: BodyDefinition, path: DefinitionPath, locate: Locate): LiquidSource[] {
  const inFile = (text: string, file: string): LiquidSource => {
    const place = (line: number, column: number) => `${file}:${line}:${column}`;
    return { text, place, locate: (line, column) => ({ where: place(line, column) }) };
  };
  const inKey = (text: string, key: string): LiquidSource => {
    const where = locate([...path, key]);
    const characterAt = (line: number, column: number) =>
      `${line > 1 ? `line ${line}, ` : ''}character ${column}`;
    return {
      text,
      place: (line, column) => `${where}: ${key}, ${characterAt(line, column)}`,
      locate: (line, column) => ({ where, within: ` (${characterAt(line, column)} of the ${key})` }),
    };
  };
  return [
    inKey(body.subject, 'subject'),
    inFile(body.template.source, body.template.file),
    ...(body.text === undefined
      ? []
      : [body.textFile === undefined ? inKey(body.text, 'text') : inFile(body.text, body.textFile)]),
  ];
}

/** A finding about a token, with its place. */
export function withPlace(finding: Omit<Finding, 'where'>, where: string, within = ''): Finding {
  return { ...finding, where, message: finding.message.replace('}}.', `}}${within}.`) };
}

/** To find the places of tags takes a time that grows with their square: a minute for sixty thousand. */
const tagsMaximum = 5_000;

function tooManyTags(tags: number, source: LiquidSource): Finding {
  return {
    severity: 'error',
    code: 'TEMPLATE_LIQUID',
    where: source.locate(1, 1).where,
    message: `this has ${tags} Liquid tags, and ${tagsMaximum} are allowed.`,
    hint: 'Use a loop where the same is said many times.',
  };
}

interface TokenUse {
  readonly segments: readonly unknown[];
  readonly row: number;
  readonly col: number;
}

function tokensIn(
  liquid: ReturnType<typeof createLiquid>,
  source: LiquidSource,
): { readonly tokens: readonly TokenUse[] } | { readonly finding: Finding } {
  const tags = source.text.match(/\{\{|\{%/g)?.length ?? 0;
  if (tags > tagsMaximum) return { finding: tooManyTags(tags, source) };
  try {
    const { globals } = liquid.analyzeSync(liquid.parse(source.text));
    const tokens = Object.values(globals)
      .flat()
      .map(({ segments, location }) => ({ segments, row: location.row, col: location.col }));
    return { tokens: tokens.sort((a, b) => a.row - b.row || a.col - b.col) };
  } catch (error) {
    const at = liquidPosition(error) ?? { line: 1, column: 1 };
    const { where, within = '' } = source.locate(at.line, at.column);
    return {
      finding: {
        severity: 'error',
        code: 'TEMPLATE_LIQUID',
        where,
        message: `this Liquid is wrong: ${liquidReason(error)}${within}.`,
        hint: 'Close every {{ }} and {% %}; the tags are those of https://liquidjs.com except include, render, layout and block.',
      },
    };
  }
}

/** @returns undefined where the token exists; the name of the facet where it is short for one */
function checkToken(
  segments: readonly unknown[],
  { values, managerRoot }: KnownTokens,
): { readonly unknown: Omit<Finding, 'where'> } | { readonly facet: string } | undefined {
  const [root, name, third] = segments;
  const incomplete = (names: readonly string[]) => ({
    unknown: unknownToken(segments, ' Name one of its values.', names),
  });
  if (root === 'contact') {
    if (name === undefined) return incomplete(contactTokens);
    return typeof name !== 'string' || isOneOf(contactTokens, name) ? undefined : { facet: name };
  }
  if (root === 'campaign') {
    const names = Object.keys(values);
    const every = [...campaignTokens, ...names];
    if (name === undefined) return incomplete(every);
    if (typeof name !== 'string') return undefined;
    const value = name === 'values' ? third : isOneOf(campaignTokens, name) ? undefined : name;
    if (typeof value !== 'string' || names.includes(value)) return undefined;
    return { unknown: unknownToken(segments, didYouMean(value, name === 'values' ? names : every), every) };
  }
  if (root === 'managerRoot') {
    const names = Object.keys(managerRoot);
    if (name === undefined) return incomplete(names);
    if (typeof name !== 'string' || names.includes(name)) return undefined;
    const guess =
      didYouMean(name, names) ||
      ' Values of the manager root stand in exm.config.ts, which the primary reads when it starts.';
    return { unknown: unknownToken(segments, guess, names) };
  }
  if (isOneOf(linkTokens, root)) return undefined;
  const known = ['contact', 'campaign', 'managerRoot', ...linkTokens];
  const meant = contactTokens.find((one) => one === root);
  const guess = meant === undefined ? didYouMean(String(root), known) : ` Did you mean "contact.${meant}"?`;
  return { unknown: unknownToken(segments, guess, known) };
}

function isOneOf(names: readonly string[], name: unknown): boolean {
  return typeof name === 'string' && names.includes(name);
}

export function unknownToken(
  segments: readonly unknown[],
  guess: string,
  known: readonly string[],
): Omit<Finding, 'where'> {
  const token = dotted(segments.map((part) => (typeof part === 'number' ? part : String(part))));
  const names = known.length === 0 ? [] : [`Known here: ${known.slice(0, 20).join(', ')}.`];
  const facet = segments[0] === 'managerRoot' ? [] : ['A facet is {{ contact.facets.NAME }}.'];
  return {
    severity: 'error',
    code: 'TEMPLATE_TOKEN',
    message: `there is no token {{ ${token} }}.${guess}`,
    hint: [...names, ...facet].join(' '),
  };
}
