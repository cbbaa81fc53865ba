import { decodeCharset, decodeTransfer } from './decode-text.ts';
import { type Fields, parameterOf, readFields } from './fields.ts';
import { depthMaximum, partsMaximum } from './limits.ts';

/** One part of a message (RFC 2046), or the message as a whole. */
export interface Part {
  readonly fields: Fields;
  /** Media type in lower case: `text/plain`. */
  readonly type: string;
  /** What is in it: one character a byte, its transfer encoding undone, lines ended by `\n`. Of a multipart: nothing. */
  readonly body: string;
  /** The parts of a multipart. The message in a `message/rfc822` is a body like any other here: it is about something else. */
  readonly parts: readonly Part[];
}

/** Reads a message, or what can be seen of one, whatever it is. Its last line counts only where it is ended. */
export function readMessage(text: string): Part {
  return readPart(text, false, { left: partsMaximum }, 0);
}

/** This part and all within it, in their order. */
export function* partsOf(part: Part): Generator<Part> {
  yield part;
  for (const inner of part.parts) yield* partsOf(inner);
}

/** A part's body as its charset says. */
export function textOf({ fields, body }: Part): string {
  return decodeCharset(body, parameterOf(fields.first('content-type') ?? '', 'charset'));
}

interface Budget {
  left: number;
}

function readPart(text: string, isWhole: boolean, budget: Budget, depth: number): Part {
  budget.left -= 1;
  const { fields, end } = readFields(text);
  const contentType = fields.first('content-type') ?? 'text/plain';
  const type = /^[^\s;]{1,100}/.exec(contentType)?.[0].toLowerCase() ?? 'text/plain';
  const boundary = type.startsWith('multipart/') ? parameterOf(contentType, 'boundary') : undefined;
  if (type.startsWith('multipart/') && depth < depthMaximum) {
    const inner =
      boundary === undefined || boundary === '' ? [] : [...split(text, end, boundary, budget.left)];
    const found = inner.length > 0 ? inner : guessed(text, end, budget.left);
    const parts: Part[] = [];
    for (const one of found) {
      if (budget.left > 0) parts.push(readPart(one.text, one.isWhole, budget, depth + 1));
    }
    if (parts.length > 0) return { fields, type, body: '', parts };
  }
  const body = text.slice(end);
  const decoded = decodeTransfer(body, fields.first('content-transfer-encoding'));
  // What was encoded ends where it ends, unless it was cut; what was not still has its own line ends.
  const ended = decoded === body ? body : wholeLines(decoded.replace(/\r\n?/g, '\n'), isWhole);
  return { fields, type, body: ended, parts: [] };
}

function wholeLines(text: string, isWhole: boolean): string {
  if (text === '' || text.endsWith('\n')) return text;
  return isWhole ? `${text}\n` : text.slice(0, text.lastIndexOf('\n') + 1);
}

/** The parts between the delimiter lines of RFC 2046 section 5.1.1; the last may lack its end. */
function* split(
  text: string,
  from: number,
  boundary: string,
  maximum: number,
): Generator<{ readonly text: string; readonly isWhole: boolean }> {
  let left = maximum;
  const delimiter = `--${boundary}`;
  let start: number | undefined;
  for (let at = from; at < text.length; ) {
    const found = text.indexOf(delimiter, at);
    if (found < 0) break;
    const lineEnd = endOfLine(text, found);
    at = lineEnd;
    const rest = text.slice(found + delimiter.length, lineEnd).trimEnd();
    const isDelimiter = (found === from || text.charAt(found - 1) === '\n') && (rest === '' || rest === '--');
    if (!isDelimiter) continue;
    if (start !== undefined) yield { text: text.slice(start, found), isWhole: true };
    left -= start === undefined ? 0 : 1;
    if (rest === '--' || left <= 0) return;
    start = lineEnd;
  }
  if (start !== undefined) yield { text: text.slice(start), isWhole: false };
}

/** Gateways rewrite headers, and lose or change the boundary: the first line that looks like one, before a part's header. */
function guessed(
  text: string,
  from: number,
  maximum: number,
): readonly { readonly text: string; readonly isWhole: boolean }[] {
  const boundary = /\n--(\S[^\n]{0,99}?)[ \t]{0,99}\n(?:content-[a-z-]{1,40}:|\n)/i.exec(
    text.slice(Math.max(0, from - 1)),
  )?.[1];
  return boundary === undefined ? [] : [...split(text, from, boundary, maximum)];
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end + 1;
}

/** A header that is the whole of a text: `text/rfc822-headers`. */
export function headerIn(text: string): Fields {
  // Some servers put an empty line before it.
  return readFields(text, /^\n*/.exec(text)?.[0].length ?? 0).fields;
}
