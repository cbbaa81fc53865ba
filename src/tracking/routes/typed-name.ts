/** Characters of a name. */
const nameMaximum = 100;

/**
 * A name as somebody typed it into a form: on one line, and no advertisement. Whoever fills in a form must not be able
 * to have their own links sent by us to others.
 */
export function typedName(text: string): string {
  const line = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Z}]+/gu, ' ')
    .trim();
  return /:\/\/|www\.|[<>@]/i.test(line) ? '' : [...line].slice(0, nameMaximum).join('');
}
