import { expect } from 'vitest';

/** Header fields of raw bytes, as they stand: unfolded by nobody. */
export interface RawField {
  readonly name: string;
  /** From the colon to the CRLF, folds included. */
  readonly value: string;
  /** Physical lines, without CRLF. */
  readonly lines: readonly string[];
}

export interface RawMessage {
  readonly fields: readonly RawField[];
  /** Latin-1: a character is a byte. */
  readonly body: string;
}

/** Takes a message's raw bytes apart, and asserts what RFC 5322 says of every line on the way. */
export function takeApart(raw: Buffer, allows: { utf8Header?: boolean } = {}): RawMessage {
  const text = raw.toString('latin1');
  expect(text.replaceAll('\r\n', ''), 'no CR and no LF by itself, and no NUL').not.toMatch(/[\r\n\0]/);
  expect(text.split('\r\n').filter((line) => line.length > 998)).toEqual([]);
  const end = text.indexOf('\r\n\r\n');
  expect(end, 'an empty line after the header').toBeGreaterThan(0);
  const header = text.slice(0, end);
  if (!allows.utf8Header) expect(header).toMatch(/^[\t\r\n\x20-\x7e]*$/);
  const fields = header.split(/\r\n(?![ \t])/).map((field): RawField => {
    expect(field, 'RFC 5322 section 2.2: name, colon, value').toMatch(/^[!-9;-~]+:/);
    const colon = field.indexOf(':');
    const lines = field.split('\r\n');
    expect(
      lines.filter((line) => !/[^ \t]/.test(line)),
      'no line of spaces alone (section 3.2.2)',
    ).toEqual([]);
    return { name: field.slice(0, colon), value: field.slice(colon + 1), lines };
  });
  return { fields, body: text.slice(end + 4) };
}

/** The one field of this name. */
export function onlyField({ fields }: RawMessage, name: string): RawField {
  const found = fields.filter((field) => field.name.toLowerCase() === name.toLowerCase());
  expect(found, `one ${name}`).toHaveLength(1);
  return found[0] as RawField;
}

/** A field's value as one line. */
export function unfolded({ value }: RawField): string {
  return value.replaceAll('\r\n', '').trim();
}

const encodedWord = /=\?([^?]*)\?([^?]*)\?([^?]*)\?=/g;

/** RFC 2047: what is wrong with the encoded words of a header; nothing, where all is right. */
export function expectEncodedWords({ fields }: RawMessage): void {
  for (const { name, lines } of fields) {
    const isPhrase = /^(?:from|to|reply-to|sender|cc)$/i.test(name);
    for (const line of lines) {
      const words = [...line.matchAll(encodedWord)];
      if (words.length === 0) continue;
      expect(line.length, `section 2: a line with an encoded word, ${line}`).toBeLessThanOrEqual(76);
      for (const [word, charset, encoding, text = ''] of words) {
        expect(word.length, word).toBeLessThanOrEqual(75);
        expect([charset?.toLowerCase(), encoding?.toUpperCase()]).toEqual([
          'utf-8',
          expect.stringMatching(/^[QB]$/),
        ]);
        const before = line[line.indexOf(word) - 1];
        expect(before, `set apart by spaces: ${line}`).toMatch(/[ \t]/);
        const isBase64 = encoding?.toUpperCase() === 'B';
        if (isBase64)
          expect(text).toMatch(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/);
        else if (isPhrase) expect(text, 'section 5 (3)').toMatch(/^(?:[A-Za-z0-9!*+\-/_]|=[0-9A-F]{2})+$/);
        else expect(text, 'section 4.2').toMatch(/^(?:[!-<>@-^`-~_]|=[0-9A-F]{2})+$/);
        const bytes = isBase64 ? Buffer.from(text, 'base64') : fromQ(text);
        // Each is decoded by itself: a character in two of them would be lost (section 5).
        expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes), word).not.toThrow();
      }
    }
  }
}

function fromQ(text: string): Buffer {
  const bytes = text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1');
}

export interface RawPart {
  readonly type: string;
  readonly header: string;
  readonly content: string;
  readonly parts: readonly RawPart[];
}

/** The tree of a message's parts, by RFC 2046 section 5.1.1 read to the letter. */
export function partsOf(header: string, content: string): RawPart {
  const type = /^content-type:\s*([^;\s]+)/im.exec(header)?.[1]?.toLowerCase() ?? 'text/plain';
  if (!type.startsWith('multipart/')) return { type, header, content, parts: [] };
  const boundary = /boundary="([^"]*)"/i.exec(header)?.[1] ?? '';
  expect(boundary, 'bchars, 70 at the most, no space at the end').toMatch(
    /^[A-Za-z0-9'()+_,\-./:=? ]{0,69}[A-Za-z0-9'()+_,\-./:=?]$/,
  );
  const pieces = `\r\n${content}`.split(`\r\n--${boundary}`);
  expect(pieces.at(-1), 'the closing delimiter').toMatch(/^--[ \t]*(?:\r\n|$)/);
  const parts = pieces.slice(1, -1).map((piece) => {
    expect(piece, 'a delimiter is a line of its own').toMatch(/^\r\n/);
    const end = piece.indexOf('\r\n\r\n');
    return partsOf(piece.slice(2, end), piece.slice(end + 4));
  });
  expect(parts.length).toBeGreaterThan(0);
  return { type, header, content, parts };
}

export function leaves(part: RawPart): RawPart[] {
  return part.parts.length === 0 ? [part] : part.parts.flatMap(leaves);
}

/** RFC 2045 section 6.7 of one part that says it is quoted-printable. */
export function expectQuotedPrintable(content: string): void {
  const lines = content.split('\r\n');
  expect(lines.filter((line) => line.length > 76)).toEqual([]);
  const allowed = /^(?:[\t -<>-~]|=[0-9A-F]{2})*=?$/;
  expect(
    lines.filter((line) => !allowed.test(line)),
    'printable ASCII, or = and two digits of upper-case hexadecimal',
  ).toEqual([]);
  expect(
    lines.filter((line) => /[ \t]$/.test(line)),
    'no blank at the end of a line',
  ).toEqual([]);
}
