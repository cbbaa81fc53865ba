const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'));

/** Each byte of a text in UTF-8 as a sign and two hexadecimal digits: `=C3=BC` in MIME, `%C3%BC` in parameters. */
export function escapedBytes(text: string, sign: '=' | '%'): string {
  let escaped = '';
  for (const byte of Buffer.from(text, 'utf8')) escaped += `${sign}${hex[byte]}`;
  return escaped;
}
