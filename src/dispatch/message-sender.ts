import { FailedError, UnavailableError } from '../domain/errors.ts';
import type { ComposedMessage, Emulation } from '../message/content.ts';
import { EmulatedSession } from '../smtp/emulation.ts';
import type { SmtpResult } from '../smtp/reply.ts';
import type { MailSession } from '../smtp/session.ts';
import type { DispatchHost } from './dispatch-host.ts';
import type { Lease } from './lease.ts';
import type { OutgoingEmail } from './send-email-pipeline.ts';

/** Pauses between attempts to reach this host's mail server before the batch is given to another host. */
const reconnectPausesMs = [250, 1_000, 2_000, 5_000, 10_000];
/**
 * A connection that breaks with a message on it may be the message's doing: after so many the recipient is put off, so
 * that one message cannot hold up all others, or go out again and again.
 */
const lossesPerRecipient = 2;
/** So many in a row over several recipients are the mail server's doing. */
const lossesUntilIll = 6;

/** The step SendEmail of one slot: one connection, message after message. A broken connection is not the recipient's fault. */
export class MessageSender {
  private session: MailSession | undefined;
  private lossesInARow = 0;

  constructor(
    private readonly host: DispatchHost,
    private readonly lease: Lease,
    private readonly emulation: Emulation | undefined,
  ) {}

  /**
   * Hands the message over and sets `outcome` or `deferredReply`; neither, where it must not be handed over now: the
   * slot was told to stop while it waited for the mail server, or has waited longer than what was read of the recipient
   * holds.
   *
   * @param freshUntil monotonic time, milliseconds, until which the recipient counts as just read
   * @throws UnavailableError where this host's mail server cannot be reached for long: another host may take the batch
   * @throws FailedError where it refuses the sender, which would be the same for everybody
   */
  async send(email: OutgoingEmail, freshUntil: number): Promise<void> {
    const { message } = email;
    if (message === undefined) {
      throw new FailedError('MESSAGE_MISSING', 'SendEmail came before FillEmail.', {
        field: 'pipelines.sendEmail',
      });
    }
    let losses = 0;
    for (const pauseMs of [...reconnectPausesMs, undefined]) {
      const session = await this.connected();
      if (session !== undefined) {
        // Connecting takes its time, in which much may have been said.
        if (!(await this.host.recorder.mayGoOn(this.lease)) || performance.now() > freshUntil) return;
        const result = await session.send(message.envelope, message.raw);
        if (result.kind !== 'connection-lost') {
          this.lossesInARow = 0;
          this.settle(email, message, result);
          return;
        }
        this.session = undefined;
        losses++;
        this.lossesInARow++;
        if (this.lossesInARow >= lossesUntilIll) break;
        if (losses >= lossesPerRecipient) {
          email.deferredReply = result.reply;
          return;
        }
      }
      if (pauseMs !== undefined) await this.lease.pause(pauseMs);
      if (this.lease.word !== 'go') return;
    }
    this.lossesInARow = 0;
    this.host.setHealth('the mail server does not answer, or closes connections instead of taking messages');
    throw new UnavailableError('MTA_UNREACHABLE', `The mail server of ${this.host.name} does not answer.`, {
      field: 'EXM_SMTP_URL',
      hint: 'The batch is tried again, here or on another server.',
    });
  }

  close(): void {
    if (this.session !== undefined) this.host.sessions.release(this.session);
    this.session = undefined;
  }

  private settle(
    email: OutgoingEmail,
    message: ComposedMessage,
    result: Exclude<SmtpResult, { kind: 'connection-lost' }>,
  ): void {
    switch (result.kind) {
      case 'accepted':
        email.outcome = { kind: 'sent', reply: result.reply, messageId: message.messageId };
        return;
      case 'rejected':
        email.outcome = { kind: 'failed', reason: 'refused by the mail server', reply: result.reply };
        return;
      case 'later':
        email.deferredReply = result.reply;
        return;
      case 'sender-refused':
        throw new FailedError(
          'SENDER_REFUSED',
          `The mail server of ${this.host.name} refuses the sender: ${result.reply}`,
          {
            field: 'from',
            value: message.envelope.from,
            hint: 'Correct the sender or the mail server, then resume the campaign.',
          },
        );
    }
  }

  private async connected(): Promise<MailSession | undefined> {
    if (this.session?.isOpen) return this.session;
    const emulation = this.emulation ?? this.host.emulation;
    if (emulation !== undefined) {
      this.session = new EmulatedSession(emulation);
      return this.session;
    }
    try {
      this.session = await this.host.sessions.acquire();
      this.host.setHealth('ok');
      return this.session;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      this.host.setHealth(error.message);
      return undefined;
    }
  }
}
