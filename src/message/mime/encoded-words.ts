import { Buffer } from 'node:buffer';
import { escapedBytes } from './escaped-bytes.ts';

/** RFC 2047 section 2: characters of an encoded word, and what its frame takes. */
const encodedWordMaximum = 75;
const frame = '=?UTF-8?Q?'.length + '?='.length;
/** RFC 2047 section 2: of a line that holds one. */
const lineMaximum = 76;

/** RFC 2047 section 5 (3): what may stand in a display name stands everywhere. */
const standsForItself = /[A-Za-z0-9!*+\-/]/;
/** Each character of ASCII in the encoding Q. */
const quotedAscii = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (standsForItself.test(character)) return character;
  return character === ' ' ? '_' : escapedBytes(character, '=');
});

/**
 * A text as encoded words (RFC 2047), in the encoding that most of it can be read in, each of whole characters.
 *
 * @param before characters of the first line that are taken already, by the field's name
 */
export function encodedWords(text: string, before: number): string {
  let characters = 0;
  let foreign = 0;
  for (let index = 0; index < text.length; index += lengthAt(text, index)) {
    characters++;
    if (text.charCodeAt(index) > tilde) foreign++;
  }
  return foreign * 3 <= characters ? words(text, before, quoted) : words(text, before, inBase64);
}
const tilde = 0x7e;

interface Encoding {
  readonly name: 'Q' | 'B';
  /** How many units fit into so many characters of an encoded word. */
  readonly most: (room: number) => number;
  /** Units that the character at an index takes. */
  readonly sizeAt: (text: string, index: number) => number;
  readonly encode: (part: string) => string;
}

/** The encoding Q of RFC 2047 section 4.2; a unit is a character of it. */
const quoted: Encoding = {
  name: 'Q',
  most: (room) => room,
  sizeAt: (text, index) => quotedAscii[text.charCodeAt(index)]?.length ?? 3 * bytesAt(text, index),
  encode: (part) => {
    let word = '';
    for (let index = 0; index < part.length; ) {
      const length = lengthAt(part, index);
      word += quotedAscii[part.charCodeAt(index)] ?? escapedBytes(part.slice(index, index + length), '=');
      index += length;
    }
    return word;
  },
};

/** The encoding B, base64; a unit is a byte of the text. */
const inBase64: Encoding = {
  name: 'B',
  most: (room) => Math.floor(room / 4) * 3,
  sizeAt: bytesAt,
  encode: (part) => Buffer.from(part, 'utf8').toString('base64'),
};

function words(text: string, before: number, { name, most, sizeAt, encode }: Encoding): string {
  let all = '';
  let taken = before;
  for (let begin = 0; begin < text.length; ) {
    const room = most(Math.min(encodedWordMaximum, lineMaximum - taken) - frame);
    let end = begin;
    for (let size = 0; end < text.length; end += lengthAt(text, end)) {
      size += sizeAt(text, end);
      if (size > room) break;
    }
    all += `${begin === 0 ? '' : ' '}=?UTF-8?${name}?${encode(text.slice(begin, end))}?=`;
    begin = end;
    // The space that it is folded at.
    taken = 1;
  }
  return all;
}

/** Code units of the character at an index: two of a surrogate pair. */
function lengthAt(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}

/** Bytes in UTF-8 of the character at an index. Half of a surrogate pair counts as what stands for it, U+FFFD. */
function bytesAt(text: string, index: number): number {
  const code = text.codePointAt(index) ?? 0;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}
