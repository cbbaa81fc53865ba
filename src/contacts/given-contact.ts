import { InputError } from '../domain/errors.ts';
import { columnNameMaximum, columnsMaximum, contactColumnOf } from './import/import-columns.ts';
import { bounceCountMaximum, controlCharacter, nameMaximum } from './import/import-row.ts';
import { parseLanguageTag } from './language-tag.ts';

/** @throws InputError CONTACT_VALUE */
export function givenName(text: string, field: string): string {
  const name = text.trim();
  if (name.length > nameMaximum)
    throw wrong(field, name, `${name.length} characters; ${nameMaximum} are allowed`);
  if (controlCharacter.test(name)) throw wrong(field, name, 'one line of plain text is expected');
  return name;
}

/** @throws InputError CONTACT_VALUE */
export function givenLanguage(text: string, field: string): string {
  const tag = parseLanguageTag(text);
  if (tag === undefined) throw wrong(field, text, 'a tag such as en or de-AT is expected');
  return tag;
}

/** @throws InputError CONTACT_VALUE */
export function givenBounceCount(count: number, field: string): number {
  if (Number.isSafeInteger(count) && count >= 0 && count <= bounceCountMaximum) return count;
  throw wrong(field, String(count), `a whole number from 0 to ${bounceCountMaximum} is expected`);
}

/**
 * Names of facets as a column of a file could have them, so that what is set one by one can be exported and imported.
 * @throws InputError CONTACT_VALUE
 */
export function givenFacetNames(names: readonly string[], field: string): string[] {
  if (names.length > columnsMaximum)
    throw wrong(field, String(names.length), `${columnsMaximum} facets are allowed at a time`);
  return names.map((given) => {
    const name = given.trim();
    if (name === '') throw wrong(field, given, 'a facet has a name');
    if (name.length > columnNameMaximum || controlCharacter.test(name) || name === '__proto__')
      throw wrong(field, name, `a name of 1 to ${columnNameMaximum} characters on one line is expected`);
    const column = contactColumnOf(name);
    if (column !== undefined) throw wrong(field, name, `"${column}" is no facet but the contact's own`);
    return name;
  });
}

export function wrong(field: string, value: string, what: string): InputError {
  return new InputError('CONTACT_VALUE', `This cannot be kept of a contact: ${what}.`, {
    field,
    value: value.slice(0, 200),
    hint: 'Correct the value. Nothing was changed.',
  });
}
