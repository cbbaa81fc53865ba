import { letterOf } from '../../domain/ab-test.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { BodyDefinition, TestDefinition, VariantDefinition } from '../content.ts';
import { problem } from './campaign-problem.ts';
import type { CampaignFileKeys } from './campaign-schema.ts';
import { type BodyPlans, checkLanguages, planBodies } from './plan-bodies.ts';
import type { YamlSource } from './yaml-source.ts';

/** The bodies of variants B to E, each with what it takes over from the campaign. @throws InputError */
export function planVariants(keys: CampaignFileKeys, yaml: YamlSource): BodyPlans[] {
  const languages = new Set([keys.language, ...Object.keys(keys.bodies).map((tag) => tag.toLowerCase())]);
  return (keys.test?.variants ?? []).map(({ bodies }, index) => {
    const path = ['test', 'variants', index, 'bodies'];
    const tags = Object.keys(bodies);
    checkLanguages(tags, path, yaml);
    const unknown = tags.find((tag) => !languages.has(tag.toLowerCase()));
    if (unknown === undefined) return planBodies(keys, yaml, index);
    const expected = `must have languages of the campaign itself (${[...languages].join(', ')}), for the test is the same in each`;
    throw problem(
      'CAMPAIGN_VALUE',
      yaml.locateKey([...path, unknown]),
      `test.variants[${index}].bodies`,
      unknown,
      expected,
    );
  });
}

interface ReadTestOptions {
  readonly keys: CampaignFileKeys;
  readonly yaml: YamlSource;
  /** Of variant A. */
  readonly bodies: Readonly<Record<string, BodyDefinition>>;
  readonly variants: readonly BodyPlans[];
}

/** @throws InputError also where two variants are the same: there would be nothing to choose. */
export async function readTest(
  { keys: { test, from }, yaml, bodies, variants }: ReadTestOptions,
  readBodies: (plans: BodyPlans) => Promise<Readonly<Record<string, BodyDefinition>>>,
): Promise<TestDefinition | undefined> {
  if (test === undefined) return undefined;
  const read: VariantDefinition[] = [];
  for (const [index, plans] of variants.entries()) {
    const own = test.variants[index]?.from;
    read.push({ ...(own ? { from: own } : {}), bodies: await readBodies(plans) });
  }
  const seen = [{ from, bodies }, ...read].map((one) => canonicalJson({ from, ...one }));
  const repeated = seen.findIndex((one, variant) => seen.indexOf(one) < variant);
  if (repeated > 0) {
    const as = letterOf(seen.indexOf(seen[repeated] ?? ''));
    const expected = `is variant ${letterOf(repeated)} and must differ from variant ${as} in from, subject, template or text`;
    const path = ['test', 'variants', repeated - 1];
    throw problem('CAMPAIGN_VALUE', yaml.locate(path), `test.variants[${repeated - 1}]`, undefined, expected);
  }
  return { share: test.share, variants: read, winner: test.winner };
}
