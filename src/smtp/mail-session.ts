import type { MessageEncoding } from '../message/content.ts';
import type { Envelope } from './envelope.ts';
import type { SmtpOffers } from './offers.ts';
import type { SmtpResult } from './reply.ts';

/** A message as it is handed to a mail server. */
export interface OutgoingMessage {
  readonly envelope: Envelope;
  readonly raw: Buffer;
  /** `8bit` only where the server offers 8BITMIME. */
  readonly encoding: MessageEncoding;
  /** True where its lines are known to end in CRLF. Else bare CR and LF are made CRLF on the way. */
  readonly isCanonical?: boolean;
}

/** What a sender needs of a connection: a mail server's, or emulation. */
export interface MailSession {
  /** False once the connection is closed or broken: open another one. */
  readonly isOpen: boolean;
  /** What the server at its other end takes. */
  readonly offers: SmtpOffers;
  /**
   * Hands over one message. Never rejects for what the server says: that is the result.
   *
   * @param next the message that will most likely follow: its envelope goes out in the same write as this message's
   * content (RFC 2920), so that sending it is one round trip. Known again by its identity. Whoever does not send it
   * after all has to `withdraw` it.
   */
  send(message: OutgoingMessage, next?: OutgoingMessage): Promise<SmtpResult>;
  /**
   * What was announced as `next` will not be sent: the server waits for content that must never come, so the connection
   * is given up. Nothing where nothing was announced.
   */
  withdraw(): void;
  close(): void;
}
