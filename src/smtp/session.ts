import { hostname } from 'node:os';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { hidePassword } from '../db/connect.ts';
import { UnavailableError } from '../domain/errors.ts';
import { classifyReply, type SmtpResult } from './reply.ts';

/** How long the mail server may take to answer, milliseconds (RFC 5321 section 4.5.3.2 allows it ten minutes at the end of DATA). */
const timeouts = { connectionTimeout: 15_000, greetingTimeout: 30_000, socketTimeout: 300_000 };

export interface Envelope {
  readonly from: string;
  readonly to: string;
}

/** What a sender needs of a connection: nodemailer's, or emulation. */
export interface MailSession {
  /** False once the connection is closed or broken: open another one. */
  readonly isOpen: boolean;
  /** Hands over one message. Never rejects for what the server says: that is the result. */
  send(envelope: Envelope, raw: Buffer): Promise<SmtpResult>;
  close(): void;
}

/** One SMTP connection, by nodemailer's lower layer: EHLO, STARTTLS, AUTH, then message after message. */
export class SmtpSession implements MailSession {
  private open = true;
  private gone: (() => void)[] = [];

  private constructor(private readonly connection: SMTPConnection) {
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
  static async connect(url: string): Promise<SmtpSession> {
    const options = parseConnectionUrl(url);
    const connection = new SMTPConnection({ name: hostname(), ...timeouts, ...options });
    try {
      await new Promise<void>((resolve, reject) => {
        connection.once('error', reject);
        connection.connect((error) => {
          if (error) return reject(error);
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
    }
    return new SmtpSession(connection);
  }

  get isOpen(): boolean {
    return this.open;
  }

  async send(envelope: Envelope, raw: Buffer): Promise<SmtpResult> {
    const result = await new Promise<SmtpResult>((resolve) => {
      // nodemailer forgets the callback of a command when the server hangs up instead of answering it.
      this.whenGone(() => resolve({ kind: 'connection-lost', reply: 'the server closed the connection' }));
      this.connection.send(
        { from: envelope.from, to: [envelope.to], size: raw.length },
        raw,
        (error, info) => {
          resolve(error ? classifyReply(error) : { kind: 'accepted', reply: info?.response ?? '' });
        },
      );
    });
    this.gone = [];
    if (result.kind === 'connection-lost') this.close();
    else if (result.kind !== 'accepted') await this.reset();
    return result;
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.connection.quit();
  }

  /** RSET after a refusal, so that the next message starts afresh (RFC 5321 section 4.1.1.5). */
  private async reset(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.whenGone(resolve);
      this.connection.reset((error) => {
        if (error) this.close();
        resolve();
      });
    });
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
