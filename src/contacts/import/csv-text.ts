import { isAscii, isUtf8 } from 'node:buffer';
import { InputError } from '../../domain/errors.ts';

/** A line longer than this is not a line of a contact list. Bounds the memory of a file without line breaks. */
export const lineMaximumBytes = 1024 * 1024;

/** Consecutive complete lines, each ending in LF; the last one of the input may have no end. */
export interface TextBlock {
  readonly text: string;
  /** Number of the block's first line in the file, from 1. */
  readonly line: number;
  /** Bytes of the file up to the end of the block. */
  readonly bytes: number;
}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Turns bytes into blocks of complete lines of text, in bounded memory whatever the length of the input. A byte order
 * mark is dropped; lines end in LF or CRLF, or in CR where the first line does.
 *
 * @param source the name of the input, for messages.
 * @throws InputError where the input is no UTF-8 text, naming line and byte: it cannot be guessed what such bytes mean.
 */
export async function* readTextBlocks(
  input: AsyncIterable<Uint8Array | string>,
  source: string,
): AsyncGenerator<TextBlock> {
  let line = 1;
  let bytes = 0;
  let newline: number | undefined;
  /** Bytes after the last line that is complete. */
  let rest: Buffer[] = [];
  let restBytes = 0;

  const decode = (block: Buffer, lineEnd: number): TextBlock => {
    const decoded = decodeUtf8(block, source, line, lineEnd);
    const text = lineEnd === lineFeed ? decoded : decoded.replaceAll('\r', '\n');
    const result = { text, line, bytes };
    line += countLineFeeds(text);
    return result;
  };

  for await (const piece of input) {
    let chunk: Buffer = typeof piece === 'string' ? Buffer.from(piece) : Buffer.from(piece);
    bytes += chunk.byteLength;
    if (newline === undefined) {
      chunk = Buffer.concat([...rest, chunk]);
      rest = [];
      restBytes = 0;
      newline = lineEndOf(chunk);
      if (newline !== undefined) chunk = withoutByteOrderMark(chunk, source);
    }
    const end = newline === undefined ? 0 : chunk.lastIndexOf(newline) + 1;
    if (newline !== undefined && end > 0) {
      yield decode(Buffer.concat([...rest, chunk.subarray(0, end)]), newline);
      rest = [];
      restBytes = 0;
    }
    if (end < chunk.byteLength) rest.push(chunk.subarray(end));
    restBytes += chunk.byteLength - end;
    if (restBytes > lineMaximumBytes) throw lineTooLong(source, line);
  }
  if (restBytes > 0) {
    const block = Buffer.concat(rest);
    yield decode(newline === undefined ? withoutByteOrderMark(block, source) : block, newline ?? lineFeed);
  }
}

/** How lines end; undefined where the start of the file does not tell yet. */
function lineEndOf(start: Buffer): number | undefined {
  if (start.includes(lineFeed)) return lineFeed;
  const at = start.indexOf(carriageReturn);
  // As the last byte it may be the first half of a CRLF.
  return at >= 0 && at < start.byteLength - 1 ? carriageReturn : undefined;
}

function lineTooLong(source: string, line: number): InputError {
  return new InputError(
    'CSV_LINE_TOO_LONG',
    `Line ${line} of ${source} is longer than ${lineMaximumBytes} bytes.`,
    {
      field: `${source}:${line}`,
      hint: 'Give a CSV file with one contact a line.',
    },
  );
}

function withoutByteOrderMark(start: Buffer, source: string): Buffer {
  if (start[0] === 0xef && start[1] === 0xbb && start[2] === 0xbf) return start.subarray(3);
  if ((start[0] === 0xff && start[1] === 0xfe) || (start[0] === 0xfe && start[1] === 0xff)) {
    throw new InputError('CSV_NOT_UTF8', `${source} is UTF-16 text; UTF-8 is expected.`, {
      field: `${source}:1`,
      hint: 'Save it as "CSV UTF-8".',
    });
  }
  return start;
}

function decodeUtf8(block: Buffer, source: string, firstLine: number, newline: number): string {
  const zero = block.indexOf(0);
  if (zero >= 0) {
    const { line, column } = locate(block, zero, firstLine, newline);
    throw new InputError(
      'CSV_BINARY',
      `${source} is not a text file: line ${line} has a zero byte at byte ${column}.`,
      {
        field: `${source}:${line}`,
        hint: 'Give a CSV file, not a spreadsheet or an archive.',
      },
    );
  }
  if (isAscii(block)) return block.toString('latin1');
  if (isUtf8(block)) return block.toString('utf8');
  const bad = firstInvalidByte(block);
  const { line, column } = locate(block, bad, firstLine, newline);
  throw new InputError(
    'CSV_NOT_UTF8',
    `Line ${line} of ${source} is not UTF-8 text: see byte ${column} of the line.`,
    {
      field: `${source}:${line}`,
      value: `0x${block.toString('hex', bad, bad + 1)}`,
      hint: 'Save it as "CSV UTF-8"; older programs write Windows-1252 or ISO 8859-1.',
    },
  );
}

/** Offset of the first byte that is not part of a UTF-8 character. */
function firstInvalidByte(block: Buffer): number {
  let at = 0;
  while (at < block.byteLength) {
    const lead = block[at] ?? 0;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!isUtf8(block.subarray(at, at + length))) break;
    at += length;
  }
  return at;
}

function locate(
  block: Buffer,
  offset: number,
  firstLine: number,
  newline: number,
): { line: number; column: number } {
  let line = firstLine;
  let start = 0;
  for (let at = block.indexOf(newline); at >= 0 && at < offset; at = block.indexOf(newline, at + 1)) {
    line++;
    start = at + 1;
  }
  return { line, column: offset - start + 1 };
}

function countLineFeeds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
