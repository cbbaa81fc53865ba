import { dirname, isAbsolute, join } from 'node:path';
import type { z } from 'zod';
import { InputError } from '../domain/errors.ts';
import {
  type CampaignFileKeys,
  campaignFileSchema,
  isLanguage,
  keysKnownAt,
  tokenName,
} from './campaign-schema.ts';
import type { BodyDefinition, CampaignDefinition } from './content.ts';
import { type DefinitionPath, dotted, type Locate } from './locate.ts';
import { didYouMean } from './nearest.ts';
import { campaignFileMaximumBytes, readTextFile, templateMaximumBytes } from './template-source.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';

export interface CampaignFile {
  readonly definition: CampaignDefinition;
  /** Where a part of the definition stands: `autumn.yaml:4:10`. */
  readonly locate: Locate;
}

/** Languages of one campaign, and values. */
const bodiesMaximum = 100;
const valuesMaximum = 200;

/**
 * Reads a campaign file with its templates. What needs the database (lists, facets) is checked when the campaign is
 * created; so are Liquid, MJML and links, because a definition may also come from a program.
 *
 * @throws InputError that names file, line and column, the key, the value and what is expected.
 */
export async function readCampaignFile(file: string): Promise<CampaignFile> {
  const text = await readTextFile(file, {
    code: 'CAMPAIGN_FILE',
    shownAs: file,
    maximumBytes: campaignFileMaximumBytes,
  });
  const yaml = parseYaml(text, file);
  const parsed = campaignFileSchema.safeParse(yaml.value);
  if (!parsed.success) throw firstProblem(parsed.error.issues, yaml);
  const keys = parsed.data;
  checkNames(keys, yaml);

  const bodies: Record<string, BodyDefinition> = {};
  for (const [language, plan] of Object.entries(planBodies(keys, yaml))) {
    bodies[language] = await readBody(plan, file, yaml.locate);
  }
  const { name, from, replyTo, include, exclude, values, pool, testTo, goals, notify, emulation, delivery } =
    keys;
  return {
    definition: {
      name,
      from,
      ...(replyTo ? { replyTo } : {}),
      defaultLanguage: keys.language,
      bodies,
      include,
      exclude,
      values,
      pool,
      testTo,
      goals,
      notify,
      ...(emulation ? { emulation } : {}),
      ...(delivery ? { delivery } : {}),
    },
    locate: (path) => yaml.locate(isTopLevelBody(path, keys) ? path.slice(2) : path),
  };
}

/** The default language's body may stand at the top of the file instead of under `bodies`. */
function isTopLevelBody(path: DefinitionPath, keys: CampaignFileKeys): boolean {
  const [first, language, key] = path;
  if (first !== 'bodies' || typeof language !== 'string' || typeof key !== 'string') return false;
  const own = Object.entries(keys.bodies).find(([tag]) => tag.toLowerCase() === language)?.[1];
  return own?.[key as keyof typeof own] === undefined;
}

interface BodyPlan {
  readonly subject: string;
  readonly template: { readonly path: string; readonly at: DefinitionPath };
  readonly text: { readonly path: string; readonly at: DefinitionPath } | undefined;
}

/**
 * Bodies by language. What a language leaves out comes from the top of the file; the text part only together with
 * the template, because a text in one language under a template in another would be wrong.
 */
function planBodies(keys: CampaignFileKeys, yaml: YamlSource): Record<string, BodyPlan> {
  const written = Object.entries(keys.bodies).map(([tag, body]) => ({ tag, body }));
  const top = written.some(({ tag }) => tag.toLowerCase() === keys.language)
    ? []
    : [{ tag: undefined, body: {} as CampaignFileKeys['bodies'][string] }];
  const plans: Record<string, BodyPlan> = {};
  for (const { tag, body } of [...top, ...written]) {
    const path: DefinitionPath = tag === undefined ? [] : ['bodies', tag];
    const { subject = keys.subject, template = keys.template } = body;
    if (subject === undefined || template === undefined) {
      const missing = subject === undefined ? 'subject' : 'template';
      throw problem('CAMPAIGN_VALUE', yaml.locate(path), dotted([...path, missing]), undefined, 'is missing');
    }
    const own = body.template !== undefined;
    const text = body.text ?? (own ? undefined : keys.text);
    plans[tag?.toLowerCase() ?? keys.language] = {
      subject,
      template: { path: template, at: own ? [...path, 'template'] : ['template'] },
      text:
        text === undefined
          ? undefined
          : { path: text, at: body.text === undefined ? ['text'] : [...path, 'text'] },
    };
  }
  return plans;
}

async function readBody(plan: BodyPlan, campaignFile: string, locate: Locate): Promise<BodyDefinition> {
  const read = (path: string, at: DefinitionPath) =>
    readTextFile(isAbsolute(path) ? path : join(dirname(campaignFile), path), {
      code: 'TEMPLATE_FILE',
      shownAs: path,
      where: `${locate(at)}: ${dotted(at)}`,
      maximumBytes: templateMaximumBytes,
    });
  const { subject, template, text } = plan;
  return {
    subject,
    template: {
      format: template.path.toLowerCase().endsWith('.mjml') ? 'mjml' : 'html',
      file: template.path,
      source: await read(template.path, template.at),
    },
    ...(text ? { text: await read(text.path, text.at), textFile: text.path } : {}),
  };
}

/** Keys that are names: languages of bodies and names of values. */
function checkNames(keys: CampaignFileKeys, { locateKey }: YamlSource): void {
  const tags = Object.keys(keys.bodies);
  const seen = new Set<string>();
  for (const tag of tags) {
    const where = locateKey(['bodies', tag]);
    if (!isLanguage(tag))
      throw problem('CAMPAIGN_VALUE', where, 'bodies', tag, 'must have languages such as de as keys');
    if (seen.has(tag.toLowerCase()))
      throw problem('CAMPAIGN_VALUE', where, 'bodies', tag, 'must have each language once');
    seen.add(tag.toLowerCase());
  }
  for (const name of Object.keys(keys.values)) {
    if (tokenName.test(name)) continue;
    const expected = 'must have names of letters, digits, "_" and "-" that begin with a letter';
    throw problem('CAMPAIGN_VALUE', locateKey(['values', name]), 'values', name, expected);
  }
  const many =
    tags.length > bodiesMaximum
      ? 'bodies'
      : Object.keys(keys.values).length > valuesMaximum
        ? 'values'
        : undefined;
  if (many !== undefined) {
    const expected = `must have at most ${many === 'bodies' ? bodiesMaximum : valuesMaximum} entries`;
    throw problem('CAMPAIGN_VALUE', locateKey([many]), many, undefined, expected);
  }
}

/** The problem that stands first in the file. */
function firstProblem(issues: readonly z.core.$ZodIssue[], yaml: YamlSource): InputError {
  const issue = issues[0];
  const path = (issue?.path ?? []) as DefinitionPath;
  if (issue?.code === 'unrecognized_keys') {
    const key = String(issue.keys[0]);
    const known = keysKnownAt(path);
    const where = yaml.locateKey([...path, key]);
    const of = path.length === 0 ? 'a campaign file' : `"${dotted(path)}"`;
    return new InputError(
      'CAMPAIGN_KEY',
      `${where}: "${key}" is not a key of ${of}.${didYouMean(key, known)}`,
      { field: where, value: key, hint: `Keys known here: ${known.join(', ')}.` },
    );
  }
  const value = valueAt(yaml.value, path);
  const expected = value === undefined && path.length > 0 ? 'is missing' : (issue?.message ?? 'is wrong');
  return problem('CAMPAIGN_VALUE', yaml.locate(path), dotted(path), value, expected);
}

function valueAt(value: unknown, path: DefinitionPath): unknown {
  return path.reduce<unknown>(
    (inside, part) => (typeof inside === 'object' && inside !== null ? Reflect.get(inside, part) : undefined),
    value,
  );
}

function problem(code: string, where: string, key: string, value: unknown, expected: string): InputError {
  const seen = value === undefined ? '' : `; it is ${shown(value)}`;
  return new InputError(code, `${where}: ${key === '' ? 'the file' : key} ${expected}${seen}.`, {
    field: where,
    ...(value === undefined ? {} : { value }),
    hint: 'A campaign file needs name, from, subject, template and include; "exm campaign create --help" shows one.',
  });
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
