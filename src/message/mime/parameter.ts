import { escapedBytes } from './escaped-bytes.ts';

/** Characters of one piece of a value that is continued (RFC 2231 section 3). */
const pieceMaximum = 50;

/**
 * A parameter of a structured header field, with the ";" and line break before it: `; name="value"` where the value is
 * short ASCII, else by RFC 2231 in UTF-8, in pieces where it is long.
 */
export function parameter(name: string, value: string): string {
  if (/^[ !#-[\]-~]*$/.test(value) && value.length <= pieceMaximum) return `;\r\n ${name}="${value}"`;
  const pieces: string[] = [];
  let piece = "UTF-8''";
  for (const character of value.toWellFormed()) {
    const encoded = percentEncoded(character);
    if (piece.length + encoded.length > pieceMaximum) {
      pieces.push(piece);
      piece = '';
    }
    piece += encoded;
  }
  pieces.push(piece);
  if (pieces.length === 1) return `;\r\n ${name}*=${pieces[0]}`;
  return pieces.map((one, number) => `;\r\n ${name}*${number}*=${one}`).join('');
}

/** RFC 2231 section 7: attribute-char stands for itself. */
function percentEncoded(character: string): string {
  if (/^[A-Za-z0-9!#$&+.^_`{|}~-]$/.test(character)) return character;
  return escapedBytes(character, '%');
}
