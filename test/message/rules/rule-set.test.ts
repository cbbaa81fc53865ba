import { describe, expect, test } from 'vitest';
import { RuleSet, ruleSetOf } from '../../../src/message/rules/rule-set.ts';
import fc from '../../support/fast-check.ts';
import { freeze, recipient } from '../fixtures.ts';

const rules = {
  offer: [
    { when: 'contact.facets.tier == "gold"', show: 'vip' },
    { when: 'contact.language.startsWith("de")', show: 'de' },
    { when: '!has(contact.facets.city)', hide: true },
  ],
  footer: [{ when: 'int(contact.facets.age) >= 18', show: 'adult' }],
} as const;
const choose = (change: Parameters<typeof recipient>[0]) =>
  Object.fromEntries(new RuleSet(rules).choose(recipient(change)));

describe('the rules of a campaign', () => {
  test('choose by the first that holds, and nothing where none does', () => {
    expect(choose({ facets: { tier: 'gold' }, language: 'de' })).toEqual({ offer: 'vip' });
    expect(choose({ facets: { tier: 'tin' }, language: 'de-at' })).toEqual({ offer: 'de' });
    expect(choose({ facets: { tier: 'tin' }, language: 'en' })).toEqual({ offer: null });
    expect(choose({ facets: { tier: 'tin', city: 'Rome' }, language: 'en' })).toEqual({});
    expect(choose({ facets: { city: '', age: '18' }, language: '' })).toEqual({
      offer: null,
      footer: 'adult',
    });
  });

  test('count what could not be evaluated, by rule and reason, and nothing of whom', () => {
    const set = new RuleSet(rules);
    for (const age of ['old', 'very old', '20']) set.choose(recipient({ facets: { age } }));
    set.choose(recipient({ facets: {} }));
    expect(set.takeFailures()).toEqual([
      { component: 'footer', rule: 1, reason: 'int_conversion_error', times: 2 },
    ]);
    expect(set.takeFailures()).toEqual([]);
  });

  test('leave errors of others as they are', () => {
    const before = Error.stackTraceLimit;
    new RuleSet(rules).choose(recipient({ facets: { age: 'old' } }));
    expect(Error.stackTraceLimit).toBe(before);
    expect(new Error('x').stack).toContain('rule-set.test.ts');
  });

  test('are compiled once per content', async () => {
    const content = { ...(await freeze()), rules };
    expect(ruleSetOf(content)).toBe(ruleSetOf(content));
  });

  test('that another version wrote and this one cannot read send nothing', () => {
    const wrong = { offer: [{ when: 'contact.facets.tier.matches("x")', hide: true }] } as const;
    expect(() => new RuleSet(wrong)).toThrow(expect.objectContaining({ code: 'RULE_EXPRESSION' }));
  });

  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('', 'gold', 'de', '18', '1e999', '9'.repeat(30), '__proto__', 'constructor', '\ud800'),
  );
  const anybody = fc.record({
    contactId: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    email: text,
    firstName: text,
    lastName: text,
    language: text,
    facets: fc.dictionary(
      fc.oneof(fc.constantFrom('tier', 'age', 'city', '__proto__', 'toString'), text),
      text,
    ),
  });
  const pieces = [
    'contact.facets.tier == "gold"',
    'has(contact.firstName)',
    'int(contact.facets.age) > 3',
    'double(contact.facets.city) < 0.5',
    'contact.language.substring(1, 3) == "e"',
    'contact.facets[contact.firstName] == contact.facets[contact.email]',
    '"a" in contact.facets.city.split(contact.lastName)',
    'contact.id * contact.id > contact.id',
    'size(contact.facets) == contact.lastName.indexOf(contact.email)',
  ];
  const expression = fc
    .array(fc.tuple(fc.constantFrom('&& ', '|| ', '&& !', '|| !'), fc.constantFrom(...pieces)), {
      maxLength: 5,
    })
    .map((parts) => `true ${parts.map(([operator, piece]) => `${operator}(${piece})`).join(' ')}`);

  test('choose for any contact without an error, by its values alone', () => {
    fc.assert(
      fc.property(
        fc.array(expression, { minLength: 1, maxLength: 4 }),
        anybody,
        anybody,
        (expressions, one, other) => {
          const set = new RuleSet({ a: expressions.map((when, index) => ({ when, show: `v${index}` })) });
          const choice = set.choose(one);
          // Whom it looked at before, and whatever else the object holds, changes nothing.
          set.choose(other);
          const again = set.choose(
            Object.assign(Object.create({ tier: 'gold' }), one, { secret: other, position: 7 }),
          );
          expect(again).toEqual(choice);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('read of a contact its six values and nothing else', () => {
    const read = new Set<PropertyKey>();
    const watched = new Proxy(recipient({}), {
      get(target, key) {
        read.add(key);
        return Reflect.get(target, key) as unknown;
      },
    });
    new RuleSet(rules).choose(watched);
    expect([...read].sort()).toEqual(['contactId', 'email', 'facets', 'firstName', 'language', 'lastName']);
  });
});
