import type { FrozenContent, MessageEncoding } from '../../src/message/content.ts';
import { asciiAddress, domainOf } from '../../src/message/mailbox.ts';
import { dateField, mailboxField, textField } from '../../src/message/mime/header.ts';
import {
  feedbackIdFor,
  headerText,
  listIdFor,
  messageIdFor,
} from '../../src/message/mime/newsletter-fields.ts';
import { parameter } from '../../src/message/mime/parameter.ts';
import type { Piece } from '../../src/message/render/compiled-template.ts';
import { chooseBody, compileBody } from '../../src/message/render/render-body.ts';
import { type BodyRequest, Rendering } from '../../src/message/render/rendering.ts';
import { makeTokenAndMark } from '../../src/tracking/links/token.ts';
import { keys } from '../message/fixtures.ts';

/**
 * The whole of one recipient's message, put together from the beginning and character by character: nothing is made
 * ready before, nothing is kept. What the message engine makes must be the same to the byte.
 */
export function composePlainly(
  content: FrozenContent,
  request: BodyRequest,
  { date, wanted, files }: { date: Date; wanted: MessageEncoding; files: ReadonlyMap<string, Buffer> },
): Buffer {
  const { recipient, position } = request;
  const { token, mark } = makeTokenAndMark(
    { campaignId: content.campaignId, position, contactId: recipient.contactId },
    keys,
  );
  const rendering = new Rendering(content, request, token);
  const compiled = compileBody(content, chooseBody(content, request.variant, request.language));
  const { body } = compiled;
  const from = body.from ?? content.from;
  const partOf = (part: 'html' | 'text') => piecesOf(compiled[part].pieces, compiled[part].values(rendering));
  const parts = { html: partOf('html'), text: partOf('text') };
  const encoding = wanted === '8bit' && fits(parts.html) && fits(parts.text) ? '8bit' : 'quoted-printable';

  const boundary = `=_${token.slice(0, 22)}`;
  const multipart = (type: string, level: string, children: string[], more = '') =>
    `Content-Type: multipart/${type};\r\n boundary="${boundary}${level}"${more}\r\n\r\n${children
      .map((child) => `--${boundary}${level}\r\n${child}\r\n`)
      .join('')}--${boundary}${level}--\r\n`;
  const text = (type: string, pieces: OwnPiece[]) =>
    `Content-Type: text/${type}; charset=utf-8\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${
      encoding === '8bit' ? crlf(pieces.map((piece) => piece.text).join('')) : quotedPrintable(pieces)
    }`;
  const file = (hash: string, type: string, name: string, cid?: string) =>
    `Content-Type: ${type}${parameter('name', name)}\r\nContent-Transfer-Encoding: base64\r\n${
      cid === undefined ? '' : `Content-ID: <${cid}>\r\n`
    }Content-Disposition: ${cid === undefined ? 'attachment' : 'inline'}${parameter('filename', name)}\r\n\r\n${(
      (files.get(hash) ?? Buffer.of()).toString('base64').match(/.{1,76}/g) ?? []
    ).join('\r\n')}`;

  const { embedded = [], attachments = [] } = content;
  const html = text('html', parts.html);
  const shown =
    embedded.length === 0
      ? html
      : multipart(
          'related',
          'r',
          [html, ...embedded.map((one) => file(one.hash, one.type, one.name, one.cid))],
          ';\r\n type="text/html"',
        );
  const alternative = multipart('alternative', 'a', [text('plain', parts.text), shown]);
  const whole =
    attachments.length === 0
      ? alternative
      : multipart('mixed', 'm', [
          alternative,
          ...attachments.map((one) => file(one.hash, one.type, one.name)),
        ]);

  const name = (display: string) => headerText(display, 200);
  return Buffer.from(
    [
      mailboxField('From', { name: name(from.name), address: asciiAddress(from.address) }),
      content.replyTo === undefined
        ? ''
        : mailboxField('Reply-To', {
            name: name(content.replyTo.name),
            address: asciiAddress(content.replyTo.address),
          }),
      mailboxField('To', {
        name: name(`${recipient.firstName} ${recipient.lastName}`),
        address: asciiAddress(recipient.email),
      }),
      textField('Subject', headerText(compiled.subject.fill(rendering), 998)),
      dateField(date),
      `Message-ID: ${messageIdFor(content.campaignId, position, mark, domainOf(from.address))}\r\n`,
      `List-Unsubscribe: <${content.baseUrl}/u/${token}>\r\n`,
      'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n',
      `List-Id: ${listIdFor(from.address)}\r\n`,
      `Feedback-ID: ${feedbackIdFor(content.campaignId, body.variant, body.language, from.address)}\r\n`,
      'MIME-Version: 1.0\r\n',
      whole,
    ].join(''),
    'utf8',
  );
}

interface OwnPiece {
  readonly isValue: boolean;
  readonly text: string;
}

function piecesOf(pieces: readonly Piece[], values: readonly string[]): OwnPiece[] {
  return pieces.map((piece) =>
    typeof piece === 'string'
      ? { isValue: false, text: plain(piece) }
      : { isValue: true, text: plain(values[piece] ?? '') },
  );
}

/** Newlines are "\n"; tab is the only other control character. */
function plain(text: string): string {
  return [...text.replaceAll('\r\n', '\n').replaceAll('\r', '\n')]
    .filter((one) => one === '\n' || one === '\t' || !/[\p{Cc}]/u.test(one) || one > '\x7f')
    .map((one) => (/\p{Surrogate}/u.test(one) ? '\ufffd' : one))
    .join('');
}

function crlf(text: string): string {
  return text.replaceAll('\n', '\r\n');
}

/** The rule for 8bit: no value is longer than 200 bytes, and no line than 998 if each value had as many. */
function fits(pieces: readonly OwnPiece[]): boolean {
  const isShort = pieces.every(({ isValue, text }) => !isValue || Buffer.byteLength(text) <= 200);
  const longest = pieces.map(({ isValue, text }) => (isValue ? 'x'.repeat(200) : text)).join('');
  return isShort && longest.split('\n').every((line) => Buffer.byteLength(line) <= 998);
}

/** The rule for quoted-printable as src/message/mime/quoted-printable.ts states it. */
function quotedPrintable(pieces: readonly OwnPiece[]): string {
  let out = '';
  let column = 0;
  const breakLine = () => {
    out += '=\r\n';
    column = 0;
  };
  pieces.forEach(({ isValue, text }, index) => {
    const characters = [...text];
    if (isValue && (text === '' || characters[0] === '\n')) breakLine();
    characters.forEach((character, at) => {
      if (character === '\n') {
        out += '\r\n';
        column = 0;
        return;
      }
      const next = characters[at + 1];
      const isBlank = character === ' ' || character === '\t';
      const isLast = next === '\n' || (next === undefined && (isValue || index === pieces.length - 1));
      const isPlain = isBlank ? !isLast : character >= '!' && character <= '~' && character !== '=';
      const encoded = isPlain ? character : hex(character);
      // A dot in front of a piece, or of a line, is encoded; it goes to the next line where it would not fit so.
      const begins = (width: number) => column + width > 75;
      let unit = encoded;
      if (character === '.' && (at === 0 || column === 0 || begins(1))) unit = '=2E';
      if (begins(unit.length)) breakLine();
      out += unit;
      column += unit.length;
    });
    if (isValue && column > 30) breakLine();
    if (isValue) column = 30;
  });
  return out;
}

function hex(character: string): string {
  return [...Buffer.from(character, 'utf8')]
    .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
