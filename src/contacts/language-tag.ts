/**
 * Reads a BCP 47 language tag. Lower case is the form in which tags are stored and compared; `de_AT`, as POSIX
 * writes it, is taken as `de-at`.
 *
 * @returns the tag, '' for the empty text (unknown), or undefined where it is no tag. Four to eight letters alone
 * are formally a tag, but what stands in such a column is a name (`german`), so they are refused.
 */
export function parseLanguageTag(text: string): string | undefined {
  const tag = text.trim().toLowerCase().replaceAll('_', '-');
  if (tag === '') return '';
  return tag.length <= tagMaximum && languageTag.test(tag) ? tag : undefined;
}

/** RFC 5646 4.4.1: no registered tag is longer. */
const tagMaximum = 35;
const languageTag = /^[a-z]{2,3}(?:-[a-z0-9]{1,8})*$/;
