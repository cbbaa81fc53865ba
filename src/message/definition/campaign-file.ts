import { dirname, isAbsolute, join } from 'node:path';
import type { z } from 'zod';
import { InputError } from '../../domain/errors.ts';
import { FindingsError, findingOf, sortFindings } from '../check/findings.ts';
import type { BodyDefinition, CampaignDefinition } from '../content.ts';
import { type DefinitionPath, dotted, type Locate } from '../locate.ts';
import { didYouMean } from '../nearest.ts';
import { problem } from './campaign-problem.ts';
import { type CampaignFileKeys, campaignFileSchema, keysKnownAt, tokenName } from './campaign-schema.ts';
import {
  type BodyPlan,
  type BodyPlans,
  checkLanguages,
  type PlacedText,
  placeOf,
  planBodies,
} from './plan-bodies.ts';
import { planVariants, readTest } from './read-ab-test.ts';
import { readCampaignFiles } from './read-campaign-files.ts';
import { campaignFileMaximumBytes, readTextFile, templateMaximumBytes } from './template-source.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';

export interface CampaignFile {
  readonly definition: CampaignDefinition;
  /** Where a part of the definition stands: `autumn.yaml:4:10`. */
  readonly locate: Locate;
  /** Bytes of its attachments and of the images that its templates name. */
  readonly files: readonly Buffer[];
}

export interface ReadCampaignFileOptions {
  /**
   * Told of each attachment and image that cannot be read or used; what is returned lacks it, and must not become a
   * campaign. Left out: the first one is thrown.
   */
  readonly onFileProblem?: ((problem: InputError) => void) | undefined;
}

/** Values of one campaign. */
const valuesMaximum = 200;

/**
 * Reads a campaign file with its templates. What needs the database (lists, facets) is checked when the campaign is
 * created; so are Liquid, MJML and links, because a definition may also come from a program.
 *
 * @throws InputError that names file, line and column, the key, the value and what is expected.
 */
export async function readCampaignFile(
  file: string,
  { onFileProblem }: ReadCampaignFileOptions = {},
): Promise<CampaignFile> {
  const text = await readTextFile(file, {
    code: 'CAMPAIGN_FILE',
    shownAs: file,
    maximumBytes: campaignFileMaximumBytes,
  });
  const yaml = parseYaml(text, file);
  const parsed = campaignFileSchema.safeParse(yaml.value);
  if (!parsed.success) throw problemsOf(parsed.error.issues, yaml);
  const keys = parsed.data;
  checkNames(keys, yaml);

  const plans = planBodies(keys, yaml);
  const bodies = await readBodies(plans, file, yaml.locate);
  const variants = planVariants(keys, yaml);
  const test = await readTest(
    { keys, yaml, bodies, variants },
    async (plan) => await readBodies(plan, file, yaml.locate),
  );
  const { attachments, images, files } = await readCampaignFiles({
    campaignFile: file,
    attachments: keys.attachments,
    bodies: { bodies, ...(test ? { test } : {}) },
    locate: yaml.locate,
    onProblem: onFileProblem,
  });
  const { name, from, replyTo, include, exclude, values, pool, testTo, goals, notify, emulation, delivery } =
    keys;
  return {
    definition: {
      name,
      from,
      ...(replyTo ? { replyTo } : {}),
      defaultLanguage: keys.language,
      ...(keys.fallback ? { fallback: lowerCaseKeys(keys.fallback) } : {}),
      bodies,
      ...(test ? { test } : {}),
      ...(attachments.length > 0 ? { attachments } : {}),
      ...(Object.keys(images).length > 0 ? { images } : {}),
      ...(keys.embedImages === undefined ? {} : { embedImages: keys.embedImages }),
      include,
      exclude,
      values,
      pool,
      testTo,
      goals,
      notify,
      ...(keys.rules ? { rules: keys.rules } : {}),
      ...(emulation ? { emulation } : {}),
      ...(delivery ? { delivery } : {}),
    },
    locate: (path) => yaml.locate(placeOf(path, plans, variants)),
    files,
  };
}

async function readBodies(
  plans: BodyPlans,
  campaignFile: string,
  locate: Locate,
): Promise<Record<string, BodyDefinition>> {
  const bodies: Record<string, BodyDefinition> = {};
  for (const [language, plan] of Object.entries(plans)) {
    bodies[language] = await readBody(plan, campaignFile, locate);
  }
  return bodies;
}

async function readBody(
  { subject, template, text }: BodyPlan,
  campaignFile: string,
  locate: Locate,
): Promise<BodyDefinition> {
  const read = ({ value: path, at }: PlacedText) =>
    readTextFile(isAbsolute(path) ? path : join(dirname(campaignFile), path), {
      code: 'TEMPLATE_FILE',
      shownAs: path,
      where: `${locate(at)}: ${dotted(at)}`,
      maximumBytes: templateMaximumBytes,
    });
  return {
    subject: subject.value,
    template: {
      format: template.value.toLowerCase().endsWith('.mjml') ? 'mjml' : 'html',
      file: template.value,
      source: await read(template),
    },
    ...(text ? { text: await read(text), textFile: text.value } : {}),
  };
}

function lowerCaseKeys<T>(values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]));
}

/** Keys that are names: languages of bodies and names of values. */
function checkNames(keys: CampaignFileKeys, yaml: YamlSource): void {
  const { locateKey } = yaml;
  checkLanguages(Object.keys(keys.bodies), ['bodies'], yaml);
  checkLanguages(Object.keys(keys.fallback ?? {}), ['fallback'], yaml);
  for (const name of Object.keys(keys.values)) {
    if (tokenName.test(name)) continue;
    const expected = 'must have names of letters, digits, "_" and "-" that begin with a letter';
    throw problem('CAMPAIGN_VALUE', locateKey(['values', name]), 'values', name, expected);
  }
  if (Object.keys(keys.values).length > valuesMaximum) {
    const expected = `must have at most ${valuesMaximum} entries`;
    throw problem('CAMPAIGN_VALUE', locateKey(['values']), 'values', undefined, expected);
  }
}

/** Everything that is wrong with the keys of the file. */
function problemsOf(issues: readonly z.core.$ZodIssue[], yaml: YamlSource): InputError {
  const problems = issues.flatMap((issue) => problemsOfIssue(issue, yaml));
  const [only] = problems;
  return problems.length === 1 && only !== undefined
    ? only
    : new FindingsError(sortFindings(problems.map(findingOf)));
}

function problemsOfIssue(issue: z.core.$ZodIssue, yaml: YamlSource): InputError[] {
  const path = issue.path as DefinitionPath;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, yaml));
  const value = valueAt(yaml.value, path);
  const expected = value === undefined && path.length > 0 ? 'is missing' : issue.message;
  return [problem('CAMPAIGN_VALUE', yaml.locate(path), dotted(path), value, expected)];
}

function unknownKey(key: string, path: DefinitionPath, { locateKey }: YamlSource): InputError {
  const known = keysKnownAt(path);
  const where = locateKey([...path, key]);
  const of = path.length === 0 ? 'a campaign file' : `"${dotted(path)}"`;
  return new InputError(
    'CAMPAIGN_KEY',
    `${where}: "${key}" is not a key of ${of}.${didYouMean(key, known)}`,
    {
      field: where,
      value: key,
      hint: `Keys known here: ${known.join(', ')}.`,
    },
  );
}

function valueAt(value: unknown, path: DefinitionPath): unknown {
  return path.reduce<unknown>(
    (inside, part) => (typeof inside === 'object' && inside !== null ? Reflect.get(inside, part) : undefined),
    value,
  );
}
