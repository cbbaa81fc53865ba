import { expect, test } from 'vitest';
import { checkContent } from '../../../src/message/check/check-content.ts';
import type { TestDefinition } from '../../../src/message/content.ts';
import { definition } from '../fixtures.ts';

const body = (subject: string) => ({
  subject,
  template: {
    format: 'html' as const,
    file: 'mail.html',
    source: '<p>Enough words to be read</p><a href="{{ unsubscribeUrl }}">Unsubscribe from this letter</a>',
  },
});
const right: TestDefinition = {
  share: 20,
  variants: [{ bodies: { en: body('B') } }],
  winner: { by: 'open-rate', afterMs: 3_600_000 },
};

const found = async (change: Partial<TestDefinition>) =>
  (await checkContent(definition({ bodies: { en: body('A') }, test: { ...right, ...change } }))).findings.map(
    ({ severity, code, where }) => `${severity} ${code} ${where}`,
  );

test.each<[string, Partial<TestDefinition>, string[]]>([
  ['as it should be', {}, []],
  ['without a share', { share: 0 }, ['error CAMPAIGN_VALUE test.share']],
  ['with a share that is no number', { share: Number.NaN }, ['error CAMPAIGN_VALUE test.share']],
  ['with more than all', { share: 100.5 }, ['error CAMPAIGN_VALUE test.share']],
  ['without variants', { variants: [] }, ['error CAMPAIGN_VALUE test.variants']],
  [
    'with six variants',
    { variants: ['B', 'C', 'D', 'E', 'F'].map((subject) => ({ bodies: { en: body(subject) } })) },
    ['error CAMPAIGN_VALUE test.variants'],
  ],
  [
    'decided before it begins',
    { winner: { by: 'open-rate', afterMs: 0 } },
    ['error CAMPAIGN_VALUE test.winner'],
  ],
  [
    'decided by what there is not',
    { winner: { by: 'charm' as 'open-rate', afterMs: 5_000 } },
    ['error CAMPAIGN_VALUE test.winner'],
  ],
  [
    'with a variant in other languages',
    { variants: [{ bodies: { de: body('B') } }] },
    ['error CAMPAIGN_VALUE test.variants[0]'],
  ],
  [
    'with variants that are the same',
    {
      variants: [{ bodies: { en: body('B') } }, { bodies: { en: body('A') } }, { bodies: { en: body('B') } }],
    },
    ['warning VARIANT_SAME test.variants[1]', 'warning VARIANT_SAME test.variants[2]'],
  ],
  [
    'decided by the value of goals, where there are none',
    { winner: { by: 'value-per-visit', afterMs: 5_000 } },
    ['warning WINNER_WITHOUT_GOALS test.winner'],
  ],
])('an A/B test that a program brings is looked at: one %s', async (_, change, expected) => {
  expect(await found(change)).toEqual(expected);
});
