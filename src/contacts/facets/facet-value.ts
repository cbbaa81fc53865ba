import { type FacetType, facetTypes } from '../../domain/facet.ts';

// Each pattern is read by PostgreSQL, too, and means the same there.

/** The text of a day that there is: PostgreSQL throws an error at 2026-02-30. */
export const dayPattern = [
  '^(?!0000)(\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\\d|2[0-8])',
  '\\d{4}-(0[13-9]|1[0-2])-(29|30)',
  '\\d{4}-(0[13578]|1[02])-31',
  '(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$',
].join('|');

/** The one form that a value of each type has as text: none but text begins with zeros, has spaces or thousands apart. */
export const facetPatterns: Readonly<Record<Exclude<FacetType, 'text'>, string>> = {
  number: '^-?(0|[1-9]\\d{0,14})(\\.\\d{1,15})?$',
  boolean: '^(true|false)$',
  date: dayPattern,
};

const readable = new Map(
  facetTypes.map((type) => [type, type === 'text' ? /^/ : new RegExp(facetPatterns[type])]),
);

export function isFacetText(text: string, type: FacetType): boolean {
  return readable.get(type)?.test(text) ?? false;
}

export const facetExpected: Readonly<Record<FacetType, string>> = {
  text: 'text is expected',
  number: 'a number such as 42 or -3.5 is expected',
  boolean: 'true or false is expected',
  date: 'a day such as 2026-01-31 is expected',
};

/** A value as JSON. @param text one that `isFacetText` */
export function facetJson(text: string, type: FacetType): string {
  return type === 'number' || type === 'boolean' ? text : JSON.stringify(text);
}
