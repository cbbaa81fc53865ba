import { FailedError, UnavailableError } from '../domain/errors.ts';
import type { ComposedMessage, Emulation } from '../message/content.ts';
import { EmulatedSession } from '../smtp/emulation.ts';
import type { MailSession } from '../smtp/session.ts';
import type { DispatchHost } from './dispatch-host.ts';
import type { Lease } from './lease.ts';
import type { OutgoingEmail } from './send-email-pipeline.ts';

/** Pauses between attempts to reach this host's mail server before the batch is given to another host. */
const reconnectPausesMs = [250, 1_000, 2_000, 5_000, 10_000];

/** The step SendEmail of one slot: one connection, message after message. A broken connection is not the recipient's fault. */
export class MessageSender {
  private session: MailSession | undefined;

  constructor(
    private readonly host: DispatchHost,
    private readonly lease: Lease,
    private readonly emulation: Emulation | undefined,
  ) {}

  /**
   * Hands the message over and sets `outcome` or `deferredReply`; neither, where the slot was told to stop while it
   * tried to reach the mail server.
   *
   * @throws UnavailableError where this host's mail server cannot be reached for long: another host may take the batch
   * @throws FailedError where it refuses the sender, which would be the same for everybody
   */
  async send(email: OutgoingEmail): Promise<void> {
    const { message } = email;
    if (message === undefined)
      throw new FailedError('MESSAGE_MISSING', 'SendEmail came before FillEmail.', {
        field: 'pipelines.sendEmail',
      });
    for (const pauseMs of [...reconnectPausesMs, undefined]) {
      if (await this.attempt(email, message)) return;
      if (pauseMs !== undefined) await this.lease.pause(pauseMs);
      if (this.lease.word !== 'go') return;
    }
    throw new UnavailableError('MTA_UNREACHABLE', `The mail server of ${this.host.name} does not answer.`, {
      field: 'EXM_SMTP_URL',
      hint: 'The batch is tried again, here or on another server.',
    });
  }

  close(): void {
    if (this.session !== undefined) this.host.sessions.release(this.session);
    this.session = undefined;
  }

  private async attempt(email: OutgoingEmail, message: ComposedMessage): Promise<boolean> {
    const session = await this.connected();
    if (session === undefined) return false;
    const result = await session.send(message.envelope, message.raw);
    switch (result.kind) {
      case 'accepted':
        email.outcome = { kind: 'sent', reply: result.reply, messageId: message.messageId };
        return true;
      case 'rejected':
        email.outcome = { kind: 'failed', reason: 'refused by the mail server', reply: result.reply };
        return true;
      case 'later':
        email.deferredReply = result.reply;
        return true;
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
      case 'connection-lost':
        this.session = undefined;
        return false;
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
