import { describe, expect, test } from 'vitest';
import { type RuleResult, readExpression } from '../../../src/message/rules/rule-expression.ts';
import fc from '../../support/fast-check.ts';

const gold = {
  id: 42n,
  email: 'ada@example.org',
  firstName: 'Ada',
  language: 'de-at',
  facets: new Map([
    ['tier', 'gold'],
    ['interests', 'wine,cheese'],
    ['age', '20.5'],
    ['favourite colour', 'red'],
    ['constructor', 'x'],
  ]),
};

function evaluate(text: string): RuleResult | string {
  const expression = readExpression(text);
  return 'evaluate' in expression
    ? expression.evaluate(gold)
    : `${expression.character}: ${expression.message}`;
}

describe('a rule', () => {
  test.each([
    ['contact.facets.tier == "gold"', 'yes'],
    ['contact.facets["favourite colour"] == \'red\'', 'yes'],
    ['contact.language.startsWith("de")', 'yes'],
    ['!has(contact.facets.city)', 'yes'],
    ['"favourite colour" in contact.facets', 'yes'],
    ['has(contact.lastName)', 'no'],
    ['contact.facets.tier in ["silver", "gold"]', 'yes'],
    ['"wine" in contact.facets.interests.split(",")', 'yes'],
    ['double(contact.facets.age) >= 18', 'yes'],
    ['contact.id % 2 == 0', 'yes'],
    ['contact.email.lowerAscii().endsWith("@example.org") && contact.firstName != "Bob"', 'yes'],
    ['size(contact.facets) > 10 ? true : false', 'no'],
    ['contact.facets.constructor == "x"', 'yes'],
    ['has(contact.facets.toString)', 'no'],
    ['contact.language == "de-at" // a comment', 'yes'],
  ])('says of a contact: %s', (text, result) => {
    expect(evaluate(text)).toBe(result);
  });

  test.each([
    ['contact.facets.city == "Wien"', 'lacking'],
    ['contact.facets.city != "Wien"', 'lacking'],
    ['!contact.lastName.startsWith("A")', 'lacking'],
    ['contact.facets.city == "Wien" || contact.facets.tier == "gold"', 'yes'],
    ['contact.facets.city == "Wien" || contact.facets.tier == "tin"', 'lacking'],
    ['contact.facets.city == "Wien" && contact.facets.tier == "tin"', 'no'],
    ['has(contact.facets.city) && contact.facets.city == "Wien"', 'no'],
    ['contact.facets.__proto__ == "x"', 'lacking'],
  ])('lacks a value of the contact, or does not need it: %s', (text, result) => {
    expect(evaluate(text)).toBe(result);
  });

  test.each([
    ['int(contact.facets.tier) > 3', 'int_conversion_error'],
    ['contact.id / 0 == 1', 'division_by_zero'],
    ['contact.id * 9223372036854775807 > 1', 'numeric_overflow'],
  ])('that cannot be evaluated says why, without a value of the contact: %s', (text, failed) => {
    expect(evaluate(text)).toEqual({ failed });
  });

  test.each([
    ['contact.facets.tier ==', '23: is not right: Unexpected token: EOF'],
    ['contact.facets.tier = "gold"', '21: is not right: Unexpected character: ='],
    [
      'contact.firstNam == "Ada"',
      '9: asks for contact.firstNam, which there is not. Did you mean "contact.firstName"?',
    ],
    [
      'contact.tier == "gold"',
      '9: asks for contact.tier, which there is not. A facet is contact.facets.tier',
    ],
    [
      'language == "de"',
      '1: names "language", but there is nothing but "contact". Did you mean "contact.language"?',
    ],
    ['contact.facets.tier == gold', '24: names "gold", but there is nothing but "contact".'],
    ['contacts.id == 1', '1: names "contacts", but there is nothing but "contact". Did you mean "contact"?'],
    ['contact.facets.tier', '1: gives text, but a rule says true or false'],
    ['contact.id', '1: gives a number, but a rule says true or false'],
    ['contact.facets.age > 18', '1: puts text and a number together (no such overload: string > int)'],
    ['contact.facets.tier == ""', '1: compares with empty text, but what is empty counts as lacking'],
    [
      'contact.email.startWith("a")',
      '1: uses startWith(), which rules do not have. Did you mean "startsWith"?',
    ],
    ['has(contact)', '5: uses has() with something that is no value of the contact'],
    ['has(contact.facets["a b"])', '5: uses has() with something that is no value of the contact'],
  ])('is refused with the place and what is wrong: %s', (text, problem) => {
    expect(evaluate(text)).toBe(problem);
  });

  test.each([
    'contact.email.matches("(a+)+$")',
    '[1, 2].exists(n, n == 1)',
    'contact.facets.interests.split(",").map(a, a + a).size() == 2',
    'cel.bind(a, contact.email, a + a == "x")',
    'timestamp("2024-01-01T00:00:00Z").getFullYear() == 2024',
    'dyn(contact).secret == 1',
    'type(contact) == map',
    'google.protobuf == 1',
    'campaign.id == "a"',
    '_exm.token == "a"',
    'now() == 1',
    'process.env.HOME == "x"',
    '{"a": true}.a',
    'optional.none() == optional.none()',
    'contact.?email == "a"',
  ])('reaches nothing but the contact, by no loop and no regular expression: %s', (text) => {
    expect(readExpression(text)).toHaveProperty('message');
  });

  test.each([
    `contact.email == "${'a'.repeat(1_000)}"`,
    `${'('.repeat(40)}true${')'.repeat(40)}`,
    `1 in [${Array.from({ length: 201 }, () => 1).join(',')}]`,
    `${'!'.repeat(900)}true`,
  ])('is bounded in length, depth and operations', (text) => {
    expect(readExpression(text)).toHaveProperty('message');
  });

  test('is read or refused, whatever is written, and says one of three things of a contact or why not', () => {
    const words = fc.constantFrom(
      ...[
        'contact',
        '.',
        'facets',
        'tier',
        'email',
        '(',
        ')',
        '[',
        ']',
        '"',
        "'",
        '&&',
        '||',
        '!',
        '==',
        'in',
        ',',
      ],
      ...[
        'has',
        'size',
        'split',
        'substring',
        'int',
        'double',
        '1',
        '-',
        '*',
        '9223372036854775807',
        '?',
        ':',
        ' ',
      ],
      ...[
        '__proto__',
        'constructor',
        '\\',
        '{',
        '}',
        'r"',
        'b"',
        '//',
        '\n',
        'null',
        'true',
        '0x',
        'e',
        '1e400',
      ],
    );
    const text = fc.oneof(
      fc.array(words, { maxLength: 30 }).map((parts) => parts.join('')),
      fc.string({ unit: 'binary', maxLength: 60 }),
    );
    fc.assert(
      fc.property(text, (written) => {
        const result = evaluate(written);
        expect(typeof result === 'object' || /^(?:yes|no|lacking|\d+: .+)$/s.test(result)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('names the facets that it asks for', () => {
    expect(
      readExpression(
        'has(contact.facets.a) && contact.facets["b c"] == contact.facets.d && contact.email != "x"',
      ),
    ).toMatchObject({ facets: ['a', 'b c', 'd'] });
  });
});
