/** Control characters but tab and newline: no mail program shows them, and RFC 5322 allows none of them in a body. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const allControls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

/** A body's text with every newline as "\n", and without control characters and halves of surrogate pairs. */
export function cleanText(text: string): string {
  let clean = text;
  if (clean.includes('\r')) clean = clean.replace(/\r\n?/g, '\n');
  if (controls.test(clean)) clean = clean.replace(allControls, '');
  return clean.isWellFormed() ? clean : clean.toWellFormed();
}

/** True for a line of printable ASCII: nothing to be cleaned or encoded. Short values are looked at faster so than by a pattern. */
export function isPlainLine(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}
