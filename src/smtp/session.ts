import { hostname } from 'node:os';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { hidePassword } from '../db/connect.ts';
import { UnavailableError } from '../domain/errors.ts';
import { contentTimeoutMs, envelopeTimeoutMs } from '../domain/stop-times.ts';
import { Conversation, type ConversationLimits } from './conversation.ts';
import type { MailSession, OutgoingMessage } from './mail-session.ts';
import { readExtensions, readOffers, type SmtpOffers } from './offers.ts';
import type { SmtpResult } from './reply.ts';
import { takeOver } from './take-over.ts';
import { whyUnfit } from './unfit.ts';
import { whyNoEnvelope } from './wire-format.ts';

export type { MailSession, OutgoingMessage } from './mail-session.ts';

/** nodemailer's own limits, milliseconds: it connects and logs in. What bounds that as a whole is `connectMs`. */
const timeouts = { connectionTimeout: 15_000, greetingTimeout: 30_000 };

/** How long the mail server may take, milliseconds, however it fills the time. */
export interface SessionLimits extends ConversationLimits {
  /** From the first packet to the end of the login. */
  readonly connectMs: number;
}

const defaultLimits: SessionLimits = {
  connectMs: 60_000,
  envelopeMs: envelopeTimeoutMs,
  contentMs: contentTimeoutMs,
  courtesyMs: 5_000,
};

/**
 * One SMTP connection: nodemailer's lower layer finds the server, greets it, secures the connection and logs in; the
 * messages are a conversation of our own, which takes a fourth of the time.
 */
export class SmtpSession implements MailSession {
  private constructor(
    private readonly conversation: Conversation,
    readonly offers: SmtpOffers,
  ) {}

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
    try {
      return await new Promise<SmtpSession>((resolve, reject) => {
        const late = `it did not finish the greeting and the login within ${limits.connectMs / 1_000} s`;
        limit = setTimeout(() => reject(new Error(late)), limits.connectMs);
        connection.once('error', reject);
        const begin = (greeted: string) => {
          try {
            const conversation = new Conversation(takeOver(connection), readExtensions(greeted), limits);
            resolve(new SmtpSession(conversation, readOffers(greeted)));
          } catch (error) {
            reject(error);
          }
        };
        connection.connect((error) => {
          if (error) return reject(error);
          // The answer to the last EHLO: after STARTTLS there is another one, and only it counts.
          const greeted = connection.lastServerResponse || '';
          if (!options.auth) return begin(greeted);
          connection.login(options.auth, (failed) => (failed ? reject(failed) : begin(greeted)));
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
  }

  get isOpen(): boolean {
    return this.conversation.isOpen;
  }

  send(message: OutgoingMessage, next?: OutgoingMessage): Promise<SmtpResult> {
    // What was announced was looked at then.
    const refused = this.conversation.hasAnnounced(message) ? undefined : this.whyNot(message);
    if (refused !== undefined) return Promise.resolve(refused);
    const follows = next !== undefined && next !== message && this.whyNot(next) === undefined;
    return this.conversation.send(message, follows ? next : undefined);
  }

  withdraw(): void {
    this.conversation.withdraw();
  }

  close(): void {
    this.conversation.close();
  }

  /** What this server is not even asked. */
  private whyNot({ envelope, raw }: OutgoingMessage): SmtpResult | undefined {
    const reply = whyNoEnvelope(envelope);
    return reply === undefined ? whyUnfit(envelope, raw.length, this.offers) : { kind: 'rejected', reply };
  }
}
