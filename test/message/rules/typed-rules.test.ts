import { describe, expect, test } from 'vitest';
import { readExpression } from '../../../src/message/rules/rule-expression.ts';
import { RuleSet } from '../../../src/message/rules/rule-set.ts';
import { recipient } from '../fixtures.ts';

const types = { age: 'number', vip: 'boolean', born: 'date', 'lucky number': 'number' } as const;
const facets = { age: 42, vip: true, born: '1980-02-29', 'lucky number': 7.5, city: 'Rome' };

function chosen(when: string, own: Record<string, string | number | boolean> = facets): boolean {
  const set = new RuleSet({ offer: [{ when, show: 'vip' }] }, types);
  const choice = set.choose(recipient({ facets: own }));
  expect(set.takeFailures()).toEqual([]);
  return choice.get('offer') === 'vip';
}

describe('a rule over typed facets', () => {
  test.each([
    'contact.facets.age >= 18',
    'contact.facets.age == 42 && contact.facets.age != 41.5',
    'contact.facets.age in [41, 42]',
    'contact.facets.age / 2 + 1 > 21',
    'contact.facets["lucky number"] == 7.5',
    'double(contact.facets.age) == 42.0',
    'contact.facets.vip',
    'contact.facets.vip == true && contact.facets.city == "Rome"',
    'contact.facets.born < date("2000-01-01")',
    'contact.facets.born.getMonth() == 1 && contact.facets.born.getDate() == 29',
    '"age" in contact.facets && has(contact.facets.born)',
  ])('holds: %s', (when) => {
    expect(chosen(when)).toBe(true);
    expect(chosen(when, {})).toBe(false);
  });

  test.each([
    ['contact.facets.age == "42"', /puts text and a number together/],
    ['contact.facets.city > 5', /puts text and a number together/],
    ['contact.facets.born == "1980-02-29"', /is not right: no such overload/],
    ['contact.facets.age', /gives a number, but a rule says true or false/],
    ['contact.facets.born > date("2026-02-30")', /names a day that there is not/],
  ])('is refused: %s', (when, message) => {
    expect(readExpression(when, types)).toMatchObject({ message: expect.stringMatching(message) });
  });

  test('keeps what it was written for when a facet gets another type later', () => {
    const asText = { age: '42', vip: 'true', born: '1980-02-29' };
    expect(chosen('contact.facets.age >= 18 && contact.facets.vip', asText)).toBe(true);
    expect(chosen('!(contact.facets.age >= 18)', { age: 'old' })).toBe(false);
    expect(chosen('!contact.facets.vip', { vip: 'no' })).toBe(false);
    const texts = new RuleSet({ offer: [{ when: 'contact.facets.age == "42"', show: 'vip' }] });
    expect(texts.choose(recipient({ facets })).get('offer')).toBe('vip');
  });
});
