import { type Envelope, type EnvelopeStep, needsSmtpUtf8 } from './envelope.ts';
import type { OutgoingMessage } from './mail-session.ts';
import type { SmtpExtensions } from './offers.ts';

/** What would end the address, the command or its line: an address that holds such could say commands of its own. */
const structural = /[\0- <>\x7f-\xa0\u2028\u2029]/;

/** Why an address cannot stand in an envelope; undefined where both can. An empty sender is the null reverse-path. */
export function whyNoEnvelope({ from, to }: Envelope): string | undefined {
  if (structural.test(from)) return `no envelope can hold the sender ${JSON.stringify(from)}`;
  if (to === '' || structural.test(to)) return `no envelope can hold the recipient ${JSON.stringify(to)}`;
  return undefined;
}

export function command(
  step: Exclude<EnvelopeStep, 'RSET'>,
  message: OutgoingMessage,
  offers: SmtpExtensions,
): string {
  switch (step) {
    case 'MAIL':
      return mailCommand(message, offers);
    case 'RCPT':
      return `RCPT TO:<${message.envelope.to}>\r\n`;
    case 'DATA':
      return 'DATA\r\n';
  }
}

/** All of them at once, for a server that reads on while it answers (RFC 2920 section 3.1). */
export function envelope(isReset: boolean, message: OutgoingMessage, offers: SmtpExtensions): string {
  return `${isReset ? 'RSET\r\n' : ''}${mailCommand(message, offers)}RCPT TO:<${message.envelope.to}>\r\nDATA\r\n`;
}

function mailCommand({ envelope, raw, encoding }: OutgoingMessage, offers: SmtpExtensions): string {
  let line = `MAIL FROM:<${envelope.from}>`;
  const isUtf8 = needsSmtpUtf8(envelope);
  if (isUtf8 && offers.smtpUtf8) line += ' SMTPUTF8';
  // An address beyond ASCII stands in the header, too.
  if ((isUtf8 || encoding === '8bit') && offers.eightBitMime) line += ' BODY=8BITMIME';
  if (offers.size) line += ` SIZE=${raw.length}`;
  return `${line}\r\n`;
}

const lineFeed = 10;
const dot = 46;
const dotLine = Buffer.from('\n.');
/** The end of a content (RFC 5321 section 4.1.1.4), after one that ends with a line, and after any other. */
const end = '.\r\n';
const endAfterLine = `\r\n${end}`;

/** A message's content as it goes over the wire, without the dot that ends it. */
export function content({ raw, isCanonical }: OutgoingMessage): Buffer {
  return stuffed(isCanonical ? raw : canonical(raw));
}

/** The dot that ends a content. */
export function endOf(bytes: Buffer): string {
  return bytes.length > 0 && bytes[bytes.length - 1] === lineFeed ? end : endAfterLine;
}

/**
 * Every line's end as CRLF. A server that took a bare CR or LF for one would find an end of the message where there is
 * none, and commands behind it (SMTP smuggling).
 */
function canonical(raw: Buffer): Buffer {
  const text = raw.toString('latin1');
  return /\r(?!\n)|(?<!\r)\n/.test(text) ? Buffer.from(text.replace(/\r\n?|\n/g, '\r\n'), 'latin1') : raw;
}

/** A dot more in front of each dot that begins a line (RFC 5321 section 4.5.2). The same bytes where there is none. */
function stuffed(bytes: Buffer): Buffer {
  let found = bytes[0] === dot ? 0 : after(bytes, 0);
  if (found < 0) return bytes;
  const pieces: Buffer[] = [];
  let from = 0;
  for (; found >= 0; found = after(bytes, found)) {
    pieces.push(bytes.subarray(from, found + 1));
    // The dot itself once more.
    from = found;
  }
  pieces.push(bytes.subarray(from));
  return Buffer.concat(pieces);
}

/** The next dot at the beginning of a line. */
function after(bytes: Buffer, from: number): number {
  const feed = bytes.indexOf(dotLine, from);
  return feed < 0 ? -1 : feed + 1;
}
