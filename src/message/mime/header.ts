import type { Mailbox } from '../content.ts';
import { encodedWords } from './encoded-words.ts';

/** RFC 5322 section 2.1.1: lines should have no more than 78 characters; some programs count less. */
const lineMaximum = 76;
/** A longer word is encoded, so that it can be cut. */
const wordMaximum = 60;

/**
 * A header field of free text (RFC 5322 section 3.6.5, RFC 2047), folded, with its CRLF.
 * @param value one line without control characters: see `headerText`
 */
export function textField(name: string, value: string): string {
  return fold(`${name}: ${isPlainText(value) ? value : encodedWords(value, name.length + ': '.length)}`);
}

/** A header field with one mailbox (RFC 5322 section 3.4). `address` is as it stands in the header. */
export function mailboxField(name: string, { name: display, address }: Mailbox): string {
  return fold(`${name}: ${display === '' ? address : `${phrase(display, name)} <${address}>`}`);
}

/** A header field whose value is a line of ASCII that needs no encoding: folded where it has spaces. */
export function plainField(name: string, value: string): string {
  return fold(`${name}: ${value}`);
}

/** RFC 5322 section 3.3, in UTC. */
export function dateField(date: Date): string {
  const second = Math.floor(date.getTime() / 1_000);
  if (second !== lastDate.second) {
    lastDate = { second, field: `Date: ${date.toUTCString().replace('GMT', '+0000')}\r\n` };
  }
  return lastDate.field;
}

/** Thousands of messages have the same. */
let lastDate = { second: Number.NaN, field: '' };

/** Lines are broken before spaces, which stay: unfolded it is the same text. A line without any is left as long as it is. */
function fold(line: string): string {
  if (line.length <= lineMaximum) return `${line}\r\n`;
  let folded = '';
  let begin = 0;
  while (line.length - begin > lineMaximum) {
    // The name of the field stays with something of its value, and no line consists of a space alone.
    const earliest = begin === 0 ? line.indexOf(': ') + 2 : begin + 1;
    let cut = line.lastIndexOf(' ', begin + lineMaximum);
    if (cut < earliest) cut = line.indexOf(' ', Math.max(earliest, begin + lineMaximum));
    if (cut < 0) break;
    folded += `${line.slice(begin, cut)}\r\n`;
    begin = cut;
  }
  return `${folded}${line.slice(begin)}\r\n`;
}

/** Most names and subjects: nothing to look at any closer. */
const shortAndSimple = /^[A-Za-z0-9]+(?: [A-Za-z0-9]+){0,5}$/;
const atoms = /^[\w!#$%&'*+\-/=?^`{|}~]+(?: [\w!#$%&'*+\-/=?^`{|}~]+)*$/;

/** A display name: as it is, quoted, or as encoded words. */
function phrase(display: string, field: string): string {
  if (isSimple(display)) return display;
  if (!isPlainText(display)) return encodedWords(display, field.length + ': '.length);
  return atoms.test(display) ? display : `"${display.replace(/["\\]/g, '\\$&')}"`;
}

function isSimple(text: string): boolean {
  return text.length < wordMaximum && shortAndSimple.test(text);
}

/** Printable ASCII that nobody takes for an encoded word, and that can be folded. */
function isPlainText(text: string): boolean {
  if (isSimple(text)) return true;
  let wordLength = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === space) wordLength = 0;
    else if (code < space || code > tilde || ++wordLength >= wordMaximum) return false;
  }
  return !text.includes('=?');
}
const space = 0x20;
const tilde = 0x7e;
