import { type DefinitionPath, dotted } from '../locate.ts';
import { problem } from './campaign-problem.ts';
import { type CampaignFileKeys, isLanguage } from './campaign-schema.ts';
import type { YamlSource } from './yaml-source.ts';

/** What one language's body is made of, and where each part stands in the file. */
export interface BodyPlan {
  readonly subject: PlacedText;
  readonly template: PlacedText;
  readonly text: PlacedText | undefined;
}

export interface PlacedText {
  readonly value: string;
  readonly at: DefinitionPath;
}

/** By language, lower case. */
export type BodyPlans = Readonly<Record<string, BodyPlan>>;

/** A place of the file that may say something about a body. */
interface Source {
  readonly keys: { readonly [key in keyof BodyPlan]?: string | undefined };
  readonly path: DefinitionPath;
}

type Variant = NonNullable<CampaignFileKeys['test']>['variants'][number];

/**
 * Bodies by language, of the campaign itself or of a further variant of its A/B test. What a language leaves out comes
 * from the top of the file, and what a variant leaves out from the campaign; the text part only together with the
 * template, because a text under another template would be wrong.
 *
 * @throws InputError where a language has no subject or no template.
 */
export function planBodies(keys: CampaignFileKeys, yaml: YamlSource, variant?: number): BodyPlans {
  const languages = new Set([keys.language, ...Object.keys(keys.bodies).map((tag) => tag.toLowerCase())]);
  const plans: Record<string, BodyPlan> = {};
  for (const language of languages) {
    const sources = sourcesOf(keys, language, variant);
    const subject = firstWith('subject', sources);
    const template = firstWith('template', sources);
    if (subject === undefined || template === undefined) {
      const { path = [] } = sources.find((one) => one.path.length > 0) ?? {};
      const missing = [...path, subject === undefined ? 'subject' : 'template'];
      throw problem('CAMPAIGN_VALUE', yaml.locate(path), dotted(missing), undefined, 'is missing');
    }
    const beside = sources.slice(
      0,
      sources.findIndex(({ keys: { template } }) => template !== undefined) + 1,
    );
    plans[language] = { subject, template, text: firstWith('text', beside) };
  }
  return plans;
}

/** The most particular first. The top of a file, and of a variant, is about the default language before any other. */
function sourcesOf(keys: CampaignFileKeys, language: string, variant: number | undefined): Source[] {
  const own =
    variant === undefined
      ? []
      : ofPart(keys.test?.variants[variant], ['test', 'variants', variant], language);
  const campaign = ofPart(keys, [], language);
  const [ownBody, ownTop] = [own.slice(0, -1), own.slice(-1)];
  const [body, top] = [campaign.slice(0, -1), campaign.slice(-1)];
  return language === keys.language ? [...own, ...campaign] : [...ownBody, ...body, ...ownTop, ...top];
}

/** The body of a language where there is one, and what stands above all bodies. */
function ofPart(
  part: CampaignFileKeys | Variant | undefined,
  path: DefinitionPath,
  language: string,
): Source[] {
  if (part === undefined) return [];
  const written = Object.entries(part.bodies).find(([tag]) => tag.toLowerCase() === language);
  return [
    ...(written === undefined ? [] : [{ keys: written[1], path: [...path, 'bodies', written[0]] }]),
    { keys: part, path },
  ];
}

function firstWith(key: keyof BodyPlan, sources: readonly Source[]): PlacedText | undefined {
  for (const { keys, path } of sources) {
    const value = keys[key];
    if (value !== undefined) return { value, at: [...path, key] };
  }
  return undefined;
}

/** Where a place of a definition stands in the file: each part of a body where its text came from. */
export function placeOf(
  path: DefinitionPath,
  campaign: BodyPlans,
  variants: readonly BodyPlans[],
): DefinitionPath {
  const [test, , index] = path;
  const plans = test === 'test' ? variants[Number(index)] : campaign;
  const [bodies, language, key] = path.slice(test === 'test' ? 3 : 0);
  if (bodies !== 'bodies' || plans === undefined) return path;
  const plan = plans[String(language)];
  return (key === 'template' || key === 'text' || key === 'subject' ? plan?.[key]?.at : undefined) ?? path;
}

/** Languages of one campaign at the most. */
const bodiesMaximum = 100;

/** @throws InputError where a key of `bodies` is no language, or a language stands there twice. */
export function checkLanguages(
  tags: readonly string[],
  path: DefinitionPath,
  { locateKey }: YamlSource,
): void {
  const key = dotted(path);
  const wrong = (at: DefinitionPath, value: unknown, expected: string) =>
    problem('CAMPAIGN_VALUE', locateKey(at), key, value, expected);
  const seen = new Set<string>();
  for (const tag of tags) {
    if (!isLanguage(tag)) throw wrong([...path, tag], tag, 'must have languages such as de as keys');
    if (seen.has(tag.toLowerCase())) throw wrong([...path, tag], tag, 'must have each language once');
    seen.add(tag.toLowerCase());
  }
  if (tags.length > bodiesMaximum) throw wrong(path, undefined, `must have at most ${bodiesMaximum} entries`);
}
