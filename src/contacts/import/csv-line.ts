/** One record of CSV (RFC 4180) with its end of line, as `CsvReader` reads it back exactly. */
export function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.map(csvField).join(',')}\n`;
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A value as a spreadsheet takes it for text and not for a formula, which could send away what stands beside it: such a
 * value gets an apostrophe in front. Read back it is another value.
 */
export function notAFormula(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
