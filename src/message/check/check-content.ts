import { InputError } from '../../domain/errors.ts';
import { firstFallback } from '../../domain/language-choice.ts';
import { allBodies } from '../all-bodies.ts';
import type { BodyDefinition, CampaignDefinition, FrozenContent } from '../content.ts';
import { checkFiles } from '../definition/campaign-files.ts';
import { mjmlHint, tryMjml } from '../freeze/compile-mjml.ts';
import { freezeContent, goalProblems } from '../freeze/freeze-content.ts';
import { maskLiquid } from '../freeze/liquid-mask.ts';
import { type Locate, locateByName } from '../locate.ts';
import { didYouMean } from '../nearest.ts';
import { checkRules } from '../rules/check-rules.ts';
import { checkAbTest } from './ab-test.ts';
import { checkMarkup, checkTextPart, type MarkupCheck } from './check-markup.ts';
import {
  type Finding,
  findingFrom,
  findingOf,
  isError,
  limitFindings,
  sortFindings,
  splitPlace,
} from './findings.ts';
import type { PlacedLink } from './links.ts';
import { checkMessage } from './message.ts';
import { checkStyles } from './styles.ts';
import { checkTokens, type FacetUse } from './tokens.ts';

export interface CheckOptions {
  /** Where parts of the definition stand. */
  readonly locate?: Locate | undefined;
  /** The manager root's values. */
  readonly managerRoot?: Readonly<Record<string, string>> | undefined;
}

export interface ContentCheck {
  /** Everything that was found, by file and line. */
  readonly findings: readonly Finding[];
  /** Facets named the short way, which only the database can confirm. */
  readonly facets: readonly FacetUse[];
  /** Facets that rules ask for. */
  readonly ruleFacets: readonly FacetUse[];
  /** Links to the web, each address where it stands first. */
  readonly links: readonly PlacedLink[];
}

/** Findings that anybody would read. */
const findingsMaximum = 1_000;

/**
 * Looks at everything that can be known about a campaign's content before it is sent, without a database and without
 * the network: what it finds is all there is, so that nobody has to correct one mistake to hear of the next.
 */
export async function checkContent(
  definition: CampaignDefinition,
  { locate = locateByName, managerRoot = {} }: CheckOptions = {},
): Promise<ContentCheck> {
  const tokens = checkTokens(definition, { locate, managerRoot });
  const rules = checkRules(definition, locate);
  let findings: Finding[] = [
    ...tokens.findings,
    ...checkFallback(definition, locate),
    ...checkAbTest(definition, locate),
    ...rules.errors.map(findingOf),
    ...checkAllFiles(definition, locate),
    ...rules.warnings.map((text) => idleRule(text, locate)),
  ];
  let links: PlacedLink[] = [];
  const isReadable = (file: string) =>
    !tokens.findings.some(({ code, where }) => code === 'TEMPLATE_LIQUID' && splitPlace(where).file === file);
  for (const { body } of allBodies(definition)) {
    const { template, text, textFile = 'text' } = body;
    const checked: MarkupCheck[] = [];
    if (isReadable(template.file)) {
      checked.push(checkMarkup(template, definition));
      findings = [...findings, ...(await checkMjml(template)), ...(await checkStyles(template))];
    }
    if (text !== undefined && isReadable(textFile)) checked.push(checkTextPart(text, textFile));
    for (const one of checked) {
      findings = [...findings, ...one.findings];
      links = [...links, ...one.links];
    }
  }
  const frozen = await checkFrozen(definition, findings.some(isError), { locate, managerRoot });
  return {
    findings: sortFindings(limitFindings([...findings, ...frozen], findingsMaximum)),
    facets: tokens.facets,
    ruleFacets: rules.facets,
    links: firstOfEach(links),
  };
}

function checkAllFiles(definition: CampaignDefinition, locate: Locate): Finding[] {
  try {
    checkFiles(definition, locate);
    return [];
  } catch (error) {
    if (error instanceof InputError) return [findingOf(error)];
    throw error;
  }
}

/** A warning about a rule or a component that changes nothing. */
export function idleRule(text: string, locate: Locate): Finding {
  return findingFrom(text, {
    severity: 'warning',
    code: 'RULE_IDLE',
    where: locate(['rules']),
    hint: 'Correct the names, or take away what is not needed.',
  });
}

async function checkMjml({ format, file, source }: BodyDefinition['template']): Promise<Finding[]> {
  if (format !== 'mjml') return [];
  const compiled = await tryMjml(maskLiquid(source));
  if ('html' in compiled) return [];
  return compiled.problems.map(({ line, column, message }) => ({
    severity: 'error',
    code: 'TEMPLATE_MJML',
    where: `${file}:${line}:${column}`,
    message,
    hint: mjmlHint,
  }));
}

/** What shows in the message as it will be sent. */
async function checkFrozen(
  definition: CampaignDefinition,
  isRefused: boolean,
  { locate, managerRoot }: { locate: Locate; managerRoot: Readonly<Record<string, string>> },
): Promise<Finding[]> {
  const frozen = await tryToFreeze(definition, managerRoot);
  const content = 'content' in frozen ? frozen.content : undefined;
  const messages = allBodies(definition).flatMap((body, index) =>
    checkMessage(body, content?.bodies[index], locate),
  );
  if (!('content' in frozen)) {
    // The checks of the templates name the same mistakes, with their lines.
    if (isRefused) return messages;
    if (frozen.error instanceof InputError) return [...messages, wholeFile(findingOf(frozen.error))];
    throw frozen.error;
  }
  const goals = goalProblems(definition.goals, frozen.content.links).map(({ index, message, hint }) => ({
    severity: 'error' as const,
    code: 'GOAL_LINK',
    where: locate(['goals', index, 'url']),
    message,
    hint,
  }));
  return [...messages, ...goals];
}

async function tryToFreeze(
  definition: CampaignDefinition,
  managerRoot: Readonly<Record<string, string>>,
): Promise<{ readonly content: FrozenContent } | { readonly error: unknown }> {
  try {
    const options = { campaignId: 'draft', baseUrl: 'https://draft.invalid', managerRoot };
    return await freezeContent({ ...definition, goals: [] }, options);
  } catch (error) {
    return { error };
  }
}

/** A finding that names a file without a line. */
function wholeFile(finding: Finding): Finding {
  return splitPlace(finding.where).line > 0 ? finding : { ...finding, where: `${finding.where}:1:1` };
}

function checkFallback({ fallback = {}, bodies }: CampaignDefinition, locate: Locate): Finding[] {
  const languages = Object.keys(bodies);
  return Object.entries(fallback).flatMap(([language, wanted]) =>
    wanted.flatMap((tag, index): Finding[] =>
      firstFallback([tag], languages) !== undefined
        ? []
        : [
            {
              severity: 'error',
              code: 'FALLBACK_LANGUAGE',
              where: locate(['fallback', language, index]),
              message: `recipients of ${language} are to get ${tag}, in which there is no body.${didYouMean(tag, languages)}`,
              hint: `There are bodies in ${languages.join(', ')}.`,
            },
          ],
    ),
  );
}

function firstOfEach(links: readonly PlacedLink[]): PlacedLink[] {
  const first = new Map<string, PlacedLink>();
  for (const link of links) if (!first.has(link.address)) first.set(link.address, link);
  return [...first.values()];
}
