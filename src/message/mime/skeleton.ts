import { Buffer } from 'node:buffer';
import type { EmbeddedImage, FileReference } from '../content.ts';
import type { CompiledTemplate, Piece } from '../render/compiled-template.ts';
import { cleanText, isPlainLine } from './clean-text.ts';
import { base64Lines, filePart } from './file-part.ts';
import { columnAfterValue, encodeText, encodeValue } from './quoted-printable.ts';
import { type MessageRoom, room } from './room.ts';
import { type Segment, SegmentWriter, type Slot } from './segments.ts';

export type BodyEncoding = 'quoted-printable' | '8bit';

/** What a message's body is made of. */
export interface BodyParts {
  readonly html: Pick<CompiledTemplate, 'pieces'>;
  readonly text: Pick<CompiledTemplate, 'pieces'>;
  readonly embedded: readonly EmbeddedImage[];
  readonly attachments: readonly FileReference[];
  /** Bytes by hash. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** One recipient's values of each part. */
export interface PartValues {
  readonly html: readonly string[];
  readonly text: readonly string[];
}

/** RFC 5322 section 2.1.1, without the CRLF. */
const lineMaximumBytes = 998;
/** With 8bit no line may get too long whatever the values are: a longer one is sent as quoted-printable. Bytes. */
const eightBitValueMaximum = 200;

/**
 * The body of a message, once for all recipients of a variant and language: encoded bytes, with slots for what each
 * recipient has of their own. Encoding a recipient's body is then to encode their values and to copy the rest.
 *
 * The structure is that of RFC 2046 and 2387, as much of it as is needed: mixed (attachments) around alternative (text,
 * HTML), with related (embedded images) around the HTML.
 */
export class MimeSkeleton {
  /** Bytes that it keeps, those of files left out: bodies share them. */
  readonly bytes: number;
  readonly #segments: readonly Segment[];
  readonly #slots: readonly Slot[];
  readonly #staticLength: number;
  readonly #type: string;
  readonly #level: string;

  /** The skeleton; undefined where a line could get too long for 8bit. */
  static compile(parts: BodyParts, encoding: BodyEncoding): MimeSkeleton | undefined {
    if (encoding === '8bit' && !(fitsEightBit(parts.html.pieces) && fitsEightBit(parts.text.pieces)))
      return undefined;
    return new MimeSkeleton(parts, encoding);
  }

  private constructor(
    parts: BodyParts,
    readonly encoding: BodyEncoding,
  ) {
    const out = new SegmentWriter();
    const { embedded, attachments, files } = parts;
    const alternative = () =>
      multipart(out, 'a', [
        () => textPart(out, 'text', parts.text.pieces, encoding),
        embedded.length === 0 ? html : related,
      ]);
    const html = () => textPart(out, 'html', parts.html.pieces, encoding);
    const related = () => {
      openPart(out, 'multipart/related', 'r', ';\r\n type="text/html"');
      multipart(out, 'r', [html, ...embedded.map((image) => () => filePart(out, image, files, image.cid))]);
    };
    const nested = () => {
      openPart(out, 'multipart/alternative', 'a');
      alternative();
    };
    if (attachments.length === 0) alternative();
    else multipart(out, 'm', [nested, ...attachments.map((file) => () => filePart(out, file, files))]);
    this.#type = attachments.length === 0 ? 'multipart/alternative' : 'multipart/mixed';
    this.#level = attachments.length === 0 ? 'a' : 'm';
    this.#segments = out.end();
    this.#slots = this.#segments.filter((segment): segment is Slot => !Buffer.isBuffer(segment));
    const lengths = this.#segments.map((segment) => (Buffer.isBuffer(segment) ? segment.length : 0));
    this.#staticLength = lengths.reduce((sum, length) => sum + length, 0);
    const shared = [...embedded, ...attachments].reduce(
      (sum, { hash }) => sum + sharedLength(files, hash),
      0,
    );
    this.bytes = this.#staticLength - shared;
  }

  /** The header fields about the body, with their CRLF. */
  fields(boundary: string): string {
    return `MIME-Version: 1.0\r\nContent-Type: ${this.#type};\r\n boundary="${boundary}${this.#level}"\r\n`;
  }

  /** Whether one recipient's values fit. Where they do not, quoted-printable holds them. */
  fits({ html, text }: PartValues): boolean {
    return this.encoding === 'quoted-printable' || (html.every(isShort) && text.every(isShort));
  }

  /** A whole message: the head as it is, then the body. */
  write(head: string, values: PartValues, boundary: string, memory?: MessageRoom): Buffer {
    const filled = this.#encoded(values, boundary);
    const headLength = Buffer.byteLength(head);
    const length = filled.reduce((sum, { bytes }) => sum + bytes, headLength + this.#staticLength);
    const message = memory === undefined ? room(length) : memory.take(length);
    put(message, head, 0, headLength);
    let at = headLength;
    let next = 0;
    for (const segment of this.#segments) {
      if (segment instanceof Uint8Array) {
        message.set(segment, at);
        at += segment.length;
        continue;
      }
      const one = filled[next++] as Encoded;
      if (one.at === undefined) {
        put(message, one.text, at, one.bytes);
        one.at = at;
      } else message.copyWithin(at, one.at, one.at + one.bytes);
      at += one.bytes;
    }
    return message;
  }

  /** What goes into each slot. What is the same in neighbours is the same object, and so are all boundaries. */
  #encoded({ html, text }: PartValues, boundary: string): Encoded[] {
    const isEightBit = this.encoding === '8bit';
    const boundaries = ascii(boundary);
    let lastValue: string | undefined;
    let lastColumn = 0;
    let last = boundaries;
    return this.#slots.map(({ of, index, column }) => {
      if (of === 'boundary') return boundaries;
      const value = (of === 'html' ? html : text)[index] ?? '';
      if (value !== lastValue || !(isEightBit || column === lastColumn)) {
        last = isEightBit ? eightBit(value) : ascii(encodeValue(value, column));
        lastValue = value;
        lastColumn = column;
      }
      return last;
    });
  }
}

interface Encoded {
  readonly text: string;
  readonly bytes: number;
  /** Where it stands in the message already. Bytes are copied faster than a text is written, and most values are the token. */
  at: number | undefined;
}

function ascii(text: string): Encoded {
  return { text, bytes: text.length, at: undefined };
}

function eightBit(value: string): Encoded {
  if (isPlainLine(value)) return ascii(value);
  const text = crlfText(value);
  return { text, bytes: Buffer.byteLength(text), at: undefined };
}

/** ASCII, which nearly all of it is, is written faster as Latin-1. */
function put(message: Buffer, text: string, at: number, bytes: number): void {
  message.write(text, at, bytes === text.length ? 'latin1' : 'utf8');
}

const isShort = (value: string) =>
  value.length * 3 <= eightBitValueMaximum || Buffer.byteLength(value) <= eightBitValueMaximum;

function sharedLength(files: ReadonlyMap<string, Buffer>, hash: string): number {
  const bytes = files.get(hash);
  return bytes === undefined ? 0 : base64Lines(bytes).length;
}

/** The parts of a multipart between their boundaries (RFC 2046 section 5.1.1). `level` tells nested ones apart. */
function multipart(out: SegmentWriter, level: string, parts: readonly (() => void)[]): void {
  parts.forEach((part, index) => {
    delimiter(out, index === 0 ? '--' : '\r\n--', `${level}\r\n`);
    part();
  });
  delimiter(out, '\r\n--', `${level}--\r\n`);
}

function delimiter(out: SegmentWriter, before: string, after: string): void {
  out.text(before);
  out.slot({ of: 'boundary', index: 0, column: 0 });
  out.text(after);
}

function openPart(out: SegmentWriter, type: string, level: string, parameters = ''): void {
  out.text(`Content-Type: ${type};\r\n boundary="`);
  out.slot({ of: 'boundary', index: 0, column: 0 });
  out.text(`${level}"${parameters}\r\n\r\n`);
}

function textPart(
  out: SegmentWriter,
  of: 'html' | 'text',
  pieces: readonly Piece[],
  encoding: BodyEncoding,
): void {
  const subtype = of === 'html' ? 'html' : 'plain';
  out.text(`Content-Type: text/${subtype}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`);
  let column = 0;
  for (const [index, piece] of pieces.entries()) {
    if (typeof piece === 'number') {
      out.slot({ of, index: piece, column });
      column = columnAfterValue;
    } else if (encoding === '8bit') out.text(crlfText(piece));
    else {
      const encoded = encodeText(piece, column, index < pieces.length - 1);
      out.text(encoded.encoded);
      column = encoded.column;
    }
  }
}

function crlfText(text: string): string {
  return cleanText(text).replaceAll('\n', '\r\n');
}

/** Whether no line gets too long, where each value counts as long as it may be. */
function fitsEightBit(pieces: readonly Piece[]): boolean {
  let line = 0;
  for (const piece of pieces) {
    if (typeof piece === 'number') line += eightBitValueMaximum;
    else {
      const lines = piece.split(/\r\n?|\n/);
      for (const [index, text] of lines.entries()) {
        line = (index === 0 ? line : 0) + Buffer.byteLength(text);
        if (line > lineMaximumBytes) return false;
      }
    }
    if (line > lineMaximumBytes) return false;
  }
  return true;
}
