import { hostname } from 'node:os';
import { Readable } from 'node:stream';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { hidePassword } from '../db/connect.ts';
import { UnavailableError } from '../domain/errors.ts';
import { contentTimeoutMs, envelopeTimeoutMs, messageMaximumMs } from '../domain/stop-times.ts';
import type { MessageEncoding } from '../message/content.ts';
import { type Envelope, needsSmtpUtf8 } from './envelope.ts';
import { readOffers, type SmtpOffers } from './offers.ts';
import { classifyReply, type SmtpResult } from './reply.ts';
import { whyUnfit } from './unfit.ts';

/**
 * nodemailer's own limits, milliseconds. Its last one counts silence, and starts again with each byte: it is only what
 * is left for connections that carry nothing. What bounds a message are the limits below.
 */
const timeouts = { connectionTimeout: 15_000, greetingTimeout: 30_000, socketTimeout: messageMaximumMs };

/** How long the mail server may take, milliseconds, however it fills the time. */
export interface SessionLimits {
  /** From the first packet to the end of the login. */
  readonly connectMs: number;
  /** For MAIL, RCPT and DATA. */
  readonly envelopeMs: number;
  /** From the first byte of a message to the answer to it. */
  readonly contentMs: number;
  /** For RSET and QUIT, on which nothing depends. */
  readonly courtesyMs: number;
}

const defaultLimits: SessionLimits = {
  connectMs: 60_000,
  envelopeMs: envelopeTimeoutMs,
  contentMs: contentTimeoutMs,
  courtesyMs: 5_000,
};

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

/** One SMTP connection, by nodemailer's lower layer: EHLO, STARTTLS, AUTH, then message after message. */
export class SmtpSession implements MailSession {
  private open = true;
  private gone: (() => void)[] = [];

  private constructor(
    private readonly connection: SMTPConnection,
    private readonly limits: SessionLimits,
    readonly offers: SmtpOffers,
  ) {
    connection.once('end', () => this.ended());
    // Errors while a message is under way reach its callback; one that comes while idle only closes the session.
    connection.on('error', () => this.ended());
  }

  /**
   * Connects and logs in.
   *
   * @param url as nodemailer takes it: `smtp://user:password@host:port?name=value`
   * @throws UnavailableError where no connection comes about, with the server's reply where it gave one.
   */
  static async connect(url: string, given: Partial<SessionLimits> = {}): Promise<SmtpSession> {
    const limits = { ...defaultLimits, ...given };
    const options = parseConnectionUrl(url);
    const connection = new SMTPConnection({ name: hostname(), ...timeouts, ...options });
    let limit: NodeJS.Timeout | undefined;
    let greeted = '';
    try {
      await new Promise<void>((resolve, reject) => {
        const late = `it did not finish the greeting and the login within ${limits.connectMs / 1_000} s`;
        limit = setTimeout(() => reject(new Error(late)), limits.connectMs);
        connection.once('error', reject);
        connection.connect((error) => {
          if (error) return reject(error);
          // The answer to the last EHLO: after STARTTLS there is another one, and only it counts.
          greeted = connection.lastServerResponse || '';
          if (!options.auth) return resolve();
          connection.login(options.auth, (failed) => (failed ? reject(failed) : resolve()));
        });
      });
    } catch (cause) {
      connection.close();
      throw new UnavailableError(
        'MTA_UNREACHABLE',
        `The mail server gives no connection: ${(cause as Error).message}`,
        {
          field: 'EXM_SMTP_URL',
          value: hidePassword(url),
          hint: 'Check that it runs, and its address, user and password.',
          cause,
        },
      );
    } finally {
      clearTimeout(limit);
    }
    return new SmtpSession(connection, limits, readOffers(greeted));
  }

  get isOpen(): boolean {
    return this.open;
  }

  async send({ envelope, raw, encoding }: OutgoingMessage): Promise<SmtpResult> {
    const unfit = whyUnfit(envelope, raw.length, this.offers);
    if (unfit !== undefined) return unfit;
    let limit: NodeJS.Timeout | undefined;
    let contentBegun = false;
    const result = await new Promise<SmtpResult>((resolve) => {
      const lost = (reply: string) => resolve({ kind: 'connection-lost', reply, handedOver: contentBegun });
      const allow = (ms: number, what: string) => {
        clearTimeout(limit);
        limit = setTimeout(() => lost(`the server did not answer ${what} within ${ms / 1_000} s`), ms);
      };
      allow(this.limits.envelopeMs, 'MAIL, RCPT and DATA');
      // nodemailer forgets the callback of a command when the server hangs up instead of answering it.
      this.whenGone(() => lost('the server closed the connection'));
      // It is read when the server has said that it may come.
      const content = new Readable({
        read: () => {
          allow(this.limits.contentMs, 'the message');
          contentBegun = true;
          content.push(raw);
          content.push(null);
        },
      });
      this.connection.send(
        {
          from: envelope.from,
          to: [envelope.to],
          size: raw.length,
          // An address beyond ASCII stands in the header, too.
          use8BitMime: encoding === '8bit' || needsSmtpUtf8(envelope),
        },
        content,
        (error, info) => {
          resolve(
            error ? classifyReply(error, contentBegun) : { kind: 'accepted', reply: info?.response ?? '' },
          );
        },
      );
    });
    clearTimeout(limit);
    this.gone = [];
    if (result.kind === 'connection-lost') this.abandon();
    else if (result.kind !== 'accepted') await this.reset();
    return result;
  }

  withdraw(): void {}

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.connection.quit();
    setTimeout(() => this.connection.close(), this.limits.courtesyMs).unref();
  }

  /** Hangs up. A QUIT could become part of a message that is half sent. */
  private abandon(): void {
    this.open = false;
    this.connection.close();
  }

  /** RSET after a refusal, so that the next message starts afresh (RFC 5321 section 4.1.1.5). */
  private async reset(): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      const giveUp = () => {
        this.abandon();
        resolve();
      };
      limit = setTimeout(giveUp, this.limits.courtesyMs);
      this.whenGone(resolve);
      this.connection.reset((error) => (error ? giveUp() : resolve()));
    });
    clearTimeout(limit);
    this.gone = [];
  }

  /** Calls back when the connection has ended, after its own callbacks have had their turn. */
  private whenGone(callback: () => void): void {
    const later = () => setImmediate(callback);
    if (!this.open) later();
    else this.gone.push(later);
  }

  private ended(): void {
    this.open = false;
    for (const callback of this.gone.splice(0)) callback();
  }
}
