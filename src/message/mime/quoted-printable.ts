import { cleanText } from './clean-text.ts';
import { escapedBytes } from './escaped-bytes.ts';

/**
 * Quoted-printable (RFC 2045 section 6.7) of a text that is put together from pieces, so that each piece can be encoded
 * alone, beforehand or for one recipient, and the whole is the same: what a piece looks like depends on the column at
 * which it begins, and where a piece begins that follows a value is taken to be `columnAfterValue`, whatever the value
 * is. It never is further to the right, so no line gets too long.
 *
 * For the same reason a piece encodes a dot at its own beginning, and blanks at its own end, where mail servers take them
 * away. A blank before a value stays: a value of nothing, or of a new line, begins with a soft line break, which guards it.
 * Lines never begin with a dot.
 */

/** Characters of a line: 76 with the "=" of a soft line break. */
const lineMaximum = 75;
/** A value that ends further to the right is followed by a soft line break. */
export const columnAfterValue = 30;
const softBreak = '=\r\n';

/** Printable ASCII that needs no encoding, with blanks only inside, and no dot in front. */
const needsNothing = /^[!-\-/-<>-~](?:[ -<>-~]*[!-<>-~])?$/;
/** The same, and to be cut anywhere: tokens, for one. */
const needsNothingAnywhere = /^[!-\-/-<>-~]+$/;
/** Pieces that are copied as they are, lines, and characters. */
const units = /\n|[!-<>-~]+|[\s\S]/gu;
const plainRun = /^[!-<>-~]/;

export interface Encoded {
  readonly encoded: string;
  /** Where the next piece begins. */
  readonly column: number;
}

/**
 * Encodes text that begins at a column. Control characters are left out; any newline becomes CRLF.
 * @param isBeforeValue whether a value follows
 */
export function encodeText(text: string, column: number, isBeforeValue = false): Encoded {
  const clean = cleanText(text);
  let encoded = '';
  let at = column;
  const put = (unit: string) => {
    if (at + unit.length > lineMaximum) {
      encoded += softBreak;
      at = 0;
    }
    encoded += unit;
    at += unit.length;
  };
  for (const match of clean.matchAll(units)) {
    const unit = match[0];
    const next = match.index + unit.length;
    if (unit === '\n') {
      encoded += '\r\n';
      at = 0;
    } else if (plainRun.test(unit)) {
      putPlain(unit, match.index === 0);
    } else if (unit === ' ' || unit === '\t') {
      const isAtEnd = next === clean.length ? !isBeforeValue : clean[next] === '\n';
      put(isAtEnd ? escapedBytes(unit, '=') : unit);
    } else put(escapedBytes(unit, '='));
  }
  return { encoded, column: at };

  /** A run of printable characters, cut where lines end. A dot is encoded where a line begins with it. */
  function putPlain(run: string, isFirst: boolean): void {
    let rest = run;
    if (isFirst && rest.startsWith('.')) {
      put('=2E');
      rest = rest.slice(1);
    }
    while (rest !== '') {
      if (at >= lineMaximum) {
        encoded += softBreak;
        at = 0;
      }
      if (at === 0 && rest.startsWith('.')) {
        put('=2E');
        rest = rest.slice(1);
        continue;
      }
      const part = rest.slice(0, lineMaximum - at);
      encoded += part;
      at += part.length;
      rest = rest.slice(part.length);
    }
  }
}

/** Encodes a value. What follows it begins at `columnAfterValue`. */
export function encodeValue(value: string, column: number): string {
  const end = column + value.length;
  if (end <= lineMaximum && needsNothing.test(value)) {
    return end > columnAfterValue ? value + softBreak : value;
  }
  if (needsNothingAnywhere.test(value)) return encodeWord(value, column);
  const clean = cleanText(value);
  if (clean === '') return softBreak;
  if (clean.startsWith('\n')) return softBreak + finished(encodeText(clean, 0));
  return finished(encodeText(clean, column));
}

function encodeWord(word: string, column: number): string {
  let encoded = '';
  let at = column;
  for (let begin = 0; begin < word.length; ) {
    const end = Math.min(word.length, begin + lineMaximum - at);
    encoded += word.slice(begin, end);
    at += end - begin;
    begin = end;
    if (begin < word.length || at > columnAfterValue) {
      encoded += softBreak;
      at = 0;
    }
  }
  return encoded;
}

function finished({ encoded, column }: Encoded): string {
  return column > columnAfterValue ? encoded + softBreak : encoded;
}
