import type { EnvelopeStep } from './envelope.ts';
import type { Reply } from './reply-reader.ts';

/** What became of one hand-over. */
export type SmtpResult =
  /** 2xx after the message: it is the server's now. */
  | { readonly kind: 'accepted'; readonly reply: string }
  /** 5xx about this recipient or this message: final. */
  | { readonly kind: 'rejected'; readonly reply: string }
  /** 4xx about this recipient or this message: try again later (RFC 5321 section 4.2.1). */
  | { readonly kind: 'later'; readonly reply: string }
  /** 5xx about the sender: the same for every recipient, so none of them must pay for it. */
  | { readonly kind: 'sender-refused'; readonly reply: string }
  /** 4xx about the sender: the server takes nothing from anybody now, or not so fast. The connection stands. */
  | { readonly kind: 'server-busy'; readonly reply: string }
  /** This server was not asked: by what it offers it cannot take this message. Final; `reply` is a reason of our own. */
  | { readonly kind: 'unfit'; readonly reply: string }
  /** The connection's fault, or 421: says nothing about the recipient. */
  | ConnectionLost;

export interface ConnectionLost {
  readonly kind: 'connection-lost';
  readonly reply: string;
  /**
   * True where the mail server may have the message all the same: some of its content was given to the socket, and no
   * reply refused it. False where it surely has not, and a second attempt repeats nobody.
   */
  readonly handedOver: boolean;
}

/** What a reply answers: a command, or the content of a message. */
export type Answered = EnvelopeStep | 'content';

/** RFC 5321: service not available, closing the channel. */
const serviceClosing = 421;
/** RFC 5321 and RFC 1870: the message is too large for this server, which is the message's fault, not the sender's. */
const tooLarge = 552;

/** 2xx: done. */
export function isAgreed({ code }: Reply): boolean {
  return code !== undefined && code >= 200 && code < 300;
}

/** 354 and its like: go on. */
export function isInvitation({ code }: Reply): boolean {
  return code !== undefined && code >= 300 && code < 400;
}

/** A "no" that leaves the connection as it is. */
export function isRefusal({ code }: Reply): boolean {
  return code !== undefined && code >= 400 && code !== serviceClosing;
}

/** 421 refuses, wherever it comes: a server that says so has not taken the message. */
export function isClosing({ code }: Reply): boolean {
  return code === serviceClosing;
}

/** Decides, of a reply that `isRefusal`, by its code and by what it answers, never by the text. */
export function classifyRefusal(refusal: Reply, answered: Answered): SmtpResult {
  const reply = readable(refusal.text);
  const code = refusal.code ?? 0;
  // Before RCPT no recipient has been named: neither answer to MAIL FROM can be about one.
  if (code < 500) return { kind: answered === 'MAIL' ? 'server-busy' : 'later', reply };
  if (answered === 'MAIL' && code !== tooLarge) return { kind: 'sender-refused', reply };
  return { kind: 'rejected', reply };
}

/** A reply as it is kept: one line, bounded, in UTF-8 where it is that. */
export function readable(text: string): string {
  if (text.length <= keptMaximum && isPlain.test(text)) return text;
  return utf8(text)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, keptMaximum);
}

const keptMaximum = 500;
const isPlain = /^[!-~]+(?: [!-~]+)*$/;

/** What was read byte by byte as it was meant, or else as Latin-1. */
function utf8(text: string): string {
  const meant = Buffer.from(text, 'latin1').toString('utf8');
  return meant.includes('\ufffd') ? text : meant;
}
