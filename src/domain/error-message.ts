/**
 * What an error says, as it may stand in a log or a history: a failed query's own message holds its parameters (names,
 * addresses), so what the server said of it is taken instead, and email addresses are masked.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return withoutAddresses(String(error));
  // By name: this file knows no library.
  const isQueryError = 'query' in error && 'params' in error;
  if (isQueryError)
    return `A query failed: ${error.cause === undefined ? 'no reason given' : messageOf(error.cause)}`;
  return withoutAddresses(error.message);
}

/** A text with email addresses masked. Word by word, so that it takes no longer than the text is long, whoever wrote it. */
export function withoutAddresses(text: string): string {
  return text.replace(/[^\s<>"'(),;:]+/g, (word) => (hasAddress(word) ? '…@…' : word));
}

/**
 * A text about one address with that masked in whatever form: servers name a recipient by the part before the @ alone, too.
 * A word of it that others are made of stays as it is in those.
 */
export function withoutRecipient(text: string, address: string): string {
  const local = address.slice(0, Math.max(0, address.lastIndexOf('@')));
  const masked = withoutAddresses(text);
  if (local === '') return masked;
  const word = local.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return masked.replace(new RegExp(`(?<![\\p{L}\\p{N}])${word}(?![\\p{L}\\p{N}])`, 'giu'), '…');
}

function hasAddress(word: string): boolean {
  const at = word.indexOf('@', 1);
  return at > 0 && at < word.length - 1;
}
