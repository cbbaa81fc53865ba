import { describe, expect, it } from 'vitest';
import { segmentMembers } from '../../../src/contacts/segments/segment-members.ts';

function refusalOf(expression: string): { character: number; message: string; hint: string } {
  try {
    segmentMembers(expression);
  } catch (error) {
    const { code, field, message, hint } = error as {
      code: string;
      field: string;
      message: string;
      hint: string;
    };
    expect(code).toBe('SEGMENT_WRONG');
    return { character: Number(/character (\d+)$/.exec(field)?.[1]), message, hint };
  }
  throw new Error('it was accepted');
}

describe('a condition that cannot be asked of the database is refused', () => {
  it.each<[string, number, RegExp]>([
    ['', 1, /is not right/],
    ['contact.firstName ==', 21, /is not right/],
    ['contact.firstNam == "a"', 9, /Did you mean "contact.firstName"\?/],
    ['firstName == "a"', 1, /Did you mean "contact.firstName"\?/],
    ['open(90) == 0', 1, /uses open\(\), which segments do not have. Did you mean "opens"\?/],
    ['opens', 1, /names "opens"/],
    ['opens(90)', 1, /gives a number, but a condition says true or false/],
    ['contact.facets', 1, /gives a value of type map/],
    ['contact.firstName', 1, /gives text/],
    ['contact.lists == ["a"]', 1, /uses contact.lists as a whole/],
    ['size(contact.lists) == 1', 6, /uses contact.lists as a whole/],
    ['contact.firstName == ""', 1, /compares with empty text/],
    ['contact.firstName > 5', 1, /puts text and a number together/],
    ['contact.facets.a < true', 20, /which of two truths/],
    ['contact.firstName.matches("a+")', 1, /uses matches\(\), which segments do not have/],
    ['contact.email.split("@").size() == 2', 1, /uses split\(\)/],
    ['contact.language in []', 21, /empty list/],
    ['contact.language in [contact.firstName]', 22, /a list of other things than values/],
    ['contact.email.lowerAscii() in contact.facets', 1, /works out the name of a facet/],
    ['[1].exists(x, x == 1)', 1, /uses exists\(\)/],
    ['contact.facets.a.b == "x"', 1, /no value of the contact/],
    ['contact["email"] == "x"', 1, /no value of the contact/],
    ['opens(0) == 1', 7, /something else where a number is to be written/],
    ['opens(contact.bounceCount) == 1', 7, /something else where a number is to be written/],
    ['contact.createdAt > date("2026-02-30")', 26, /a day that there is not/],
    ['contact.createdAt > timestamp("2026-02-30T00:00:00Z")', 31, /a time that there is not/],
    ['contact.createdAt > timestamp("2026-01-31T09:00:00+20:00")', 31, /a time that there is not/],
    ['contact.id == 9223372036854775808', 15, /more than 64 bits/],
    ['contact.facets.birthday.getMonth("Europe/Berlin") == 1', 1, /names a time zone/],
    ['contact.facets.a + contact.facets.b == "x"', 20, /adds two facets/],
    ['contact.facets.a % 2 == 0', 20, /no whole number/],
    ['contact.firstName == "a\\u0000"', 22, /character 0/],
    ['contact.firstName == null', 1, /is not right/],
    ['has(contact.facets.a.b)', 5, /no value of the contact/],
    [`contact.email == "${'a'.repeat(1_000)}"`, 1_001, /longer than 1000 characters/],
    [`${'('.repeat(40)}true${')'.repeat(40)}`, 33, /is not right: .*depth/i],
  ])('%s', (expression, character, message) => {
    const refusal = refusalOf(expression);
    expect(refusal.message).toMatch(message);
    expect(refusal.hint).toMatch(/\.$/);
    expect(refusal.character).toBe(character);
  });
});
