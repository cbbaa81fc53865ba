import { describe, expect, test } from 'vitest';
import { allBodies } from '../../../src/message/all-bodies.ts';
import { checkTokens } from '../../../src/message/check/tokens.ts';
import type { BodyDefinition, TestDefinition } from '../../../src/message/content.ts';
import { definition, freeze } from '../fixtures.ts';

const body = (subject: string, source: string): BodyDefinition => ({
  subject,
  template: { format: 'html', file: `${subject}.html`, source },
});
const abTest: TestDefinition = {
  share: 20,
  variants: [
    { bodies: { en: body('B', '<a href="https://a.example/">a</a><a href="https://b.example/">b</a>') } },
    {
      from: { name: 'Ada', address: 'ada@example.com' },
      bodies: { en: body('C', '<a href="https://b.example/">b</a>') },
    },
  ],
  winner: { by: 'hand' },
};

describe('the content of an A/B test', () => {
  test('is the campaign as variant A and a body of each further variant, with its sender', () => {
    const bodies = allBodies(definition({ test: abTest }));
    expect(
      bodies.map(({ variant, letter, language, from, path }) => [
        variant,
        letter,
        language,
        from?.name,
        path,
      ]),
    ).toEqual([
      [0, 'A', 'en', undefined, ['bodies', 'en']],
      [1, 'B', 'en', undefined, ['test', 'variants', 0, 'bodies', 'en']],
      [2, 'C', 'en', 'Ada', ['test', 'variants', 1, 'bodies', 'en']],
    ]);
    expect(allBodies(definition()).map(({ letter }) => letter)).toEqual([undefined]);
  });

  test('is frozen whole, its links numbered over all variants', async () => {
    const frozen = await freeze({ html: '<a href="https://a.example/">a</a>', test: abTest });
    expect(frozen.bodies.map(({ variant, subject, from }) => [variant, subject, from?.address])).toEqual([
      [0, 'Hello', undefined],
      [1, 'B', undefined],
      [2, 'C', 'ada@example.com'],
    ]);
    expect(frozen.links).toEqual(['https://a.example/', 'https://b.example/']);
    expect(frozen.bodies[2]?.html).toContain('{{ _exm.token }}/1');
  });

  test('has its tokens checked in every variant', () => {
    const wrong = {
      ...abTest,
      variants: [{ bodies: { en: body('B', '{{ contact.frstName.x }}{{ nothing }}') } }],
    };
    expect(checkTokens(definition({ test: wrong }))).toMatchObject({
      findings: [{ where: 'B.html:1:28', message: expect.stringContaining('there is no token') }],
      facets: [{ name: 'frstName' }],
    });
  });
});
