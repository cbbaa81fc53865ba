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

/** The parts of nodemailer's SMTP errors that decide. */
export interface SmtpError {
  readonly message: string;
  readonly code?: string | undefined;
  readonly command?: string | undefined;
  readonly response?: string | undefined;
  readonly responseCode?: number | undefined;
}

/** RFC 5321: service not available, closing the channel. */
const serviceClosing = 421;
/** RFC 5321 and RFC 1870: the message is too large for this server, which is the message's fault, not the sender's. */
const tooLarge = 552;
/** nodemailer's codes for what it refuses itself: an address no envelope can hold, a message larger than the server takes. */
const refusedHere = new Set(['EENVELOPE', 'EMESSAGE']);

/**
 * Decides by the reply code and the command it answers, never by the text.
 *
 * @param contentBegun whether any of the message's content had been given to the socket
 */
export function classifyReply(error: SmtpError, contentBegun: boolean): SmtpResult {
  const reply = oneLine(error.response ?? error.message);
  const code = error.responseCode;
  if (error.response === undefined && refusedHere.has(error.code ?? '')) return { kind: 'rejected', reply };
  // 421 refuses, wherever it comes: a server that says so has not taken the message.
  if (code === serviceClosing) return { kind: 'connection-lost', reply, handedOver: false };
  if (code === undefined || code < 400) return { kind: 'connection-lost', reply, handedOver: contentBegun };
  // Before RCPT no recipient has been named: neither answer to MAIL FROM can be about one.
  if (code < 500) return { kind: error.command === 'MAIL FROM' ? 'server-busy' : 'later', reply };
  if (error.command === 'MAIL FROM' && code !== tooLarge) return { kind: 'sender-refused', reply };
  return { kind: 'rejected', reply };
}

/** A reply as it is kept: one line, bounded. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 500);
}
