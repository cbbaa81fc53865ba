import type { ExclusionSettings } from '../contacts/audience/exclusion.ts';
import type { Awaitable } from '../domain/awaitable.ts';
import { withoutRecipient } from '../domain/error-message.ts';
import { FailedError, UnavailableError } from '../domain/errors.ts';
import type { ComposedMessage, FrozenContent } from '../message/content.ts';
import { EmulatedSession } from '../smtp/emulation.ts';
import type { SmtpResult } from '../smtp/reply.ts';
import type { MailSession } from '../smtp/session.ts';
import { answeredReasons } from './bounce-of.ts';
import type { DispatchHost } from './dispatch-host.ts';
import type { Lease } from './ledger/lease.ts';
import { doubtReasons } from './ledger/leave-in-doubt.ts';
import { freshUntil, readRecipients } from './read-recipients.ts';
import type { OutgoingEmail } from './send-email-pipeline.ts';

/**
 * Pauses between attempts at a mail server that is away, milliseconds: as long as its restart takes. Then the batch is
 * given to another host.
 */
const reconnectPausesMs = [250, 1_000, 2_000, 5_000];
/** The same where each attempt takes its time: no further one after so long. Milliseconds. */
const reconnectPatienceMs = 20_000;
/**
 * What does not come through may be the message's doing: after so many attempts the recipient is put off, so that one
 * message cannot hold up all others, or go out again and again.
 */
const attemptsPerRecipient = 2;
/** So many attempts in a row that came to nothing, over several recipients, are the mail server's doing. */
const fruitlessUntilIll = 6;
/** Those of one recipient already, where they took so long: a mail server that falls silent. Milliseconds. */
const fruitlessMaximumMs = 60_000;

/** Attempts in a row to hand over messages, none of which the mail server answered. */
interface Fruitless {
  readonly attempts: number;
  /** How long they took together, milliseconds. */
  readonly tookMs: number;
  readonly reply: string;
}

/** The step SendEmail of one thread: one connection, message after message. A broken connection is not the recipient's fault. */
export class MessageSender {
  private session: MailSession | undefined;
  private fruitless: Fruitless | undefined;
  /** The recipient that was attempted last, and how often: also over several calls, where they had to be read again. */
  private attempted = { position: 0, attempts: 0 };

  constructor(
    private readonly host: DispatchHost,
    private readonly lease: Lease,
    private readonly content: Pick<FrozenContent, 'emulation' | 'delivery'>,
    /** Composes the email's message again, for a mail server that takes 7-bit messages only, unless others have made it. */
    private readonly composeAs7bit: (
      email: OutgoingEmail,
      message: ComposedMessage,
    ) => Awaitable<ComposedMessage>,
    /** By which whoever had to wait is judged once more: those of the campaign. */
    private readonly rules: ExclusionSettings,
  ) {}

  /**
   * Hands the message over and sets `outcome` or `deferredReply`; neither, where it must not be handed over now: the
   * thread was told to stop while it waited for the mail server, others have settled the recipient meanwhile, or it has
   * another address.
   *
   * @param until monotonic time, milliseconds, until which the recipient counts as just read
   * @param next makes the message that most likely follows
   * @throws UnavailableError where this host's mail server cannot be reached for long: another host may take the batch
   * @throws FailedError where it refuses the sender, which would be the same for everybody
   */
  async send(
    email: OutgoingEmail,
    until: number,
    next: () => Awaitable<ComposedMessage | undefined>,
  ): Promise<void> {
    if (email.message === undefined) {
      throw new FailedError('MESSAGE_MISSING', 'SendEmail came before FillEmail.', {
        field: 'pipelines.sendEmail',
      });
    }
    if (this.attempted.position !== email.position) {
      // Whoever was attempted until now has been put off: they are recorded before the batch is handed back.
      if (this.isInVain()) throw this.takesNothing();
      this.attempted = { position: email.position, attempts: 0 };
    }
    const since = performance.now();
    for (const pauseMs of [...reconnectPausesMs, undefined]) {
      const session = this.session?.isOpen ? this.session : await this.connected();
      if (session !== undefined) {
        const message = isTakenBy(session, email.message)
          ? email.message
          : await this.fitted(email, email.message);
        const made = next();
        const following = made instanceof Promise ? await made : made;
        const may = this.mayHandOver(email, until);
        if (may !== true && !(await may)) return session.withdraw();
        const begun = performance.now();
        if (this.isAtMostOnce) this.host.recorder.begin(this.lease, email.position);
        const isTaken = following !== undefined && isTakenBy(session, following);
        const result = await session.send(message, isTaken ? following : undefined);
        if (result.kind !== 'connection-lost' && result.kind !== 'server-busy') {
          this.answered();
          this.settle(email, message, result);
          return;
        }
        if (result.kind === 'connection-lost') this.session = undefined;
        this.fruitless = {
          attempts: (this.fruitless?.attempts ?? 0) + 1,
          tookMs: (this.fruitless?.tookMs ?? 0) + performance.now() - begun,
          reply: withoutRecipient(result.reply, message.envelope.to),
        };
        if (result.kind === 'connection-lost' && result.handedOver) {
          email.isInDoubt = true;
          if (this.isAtMostOnce) {
            email.outcome = { kind: 'in_doubt', reason: `${doubtReasons.noAnswer}: ${result.reply}` };
            return;
          }
        }
        if (++this.attempted.attempts >= attemptsPerRecipient) {
          email.deferredReply = result.reply;
          return;
        }
      } else if (performance.now() - since > reconnectPatienceMs) break;
      if (pauseMs !== undefined) await this.lease.pause(pauseMs);
      if (this.lease.word !== 'go') return;
    }
    throw mailServerAway(this.host);
  }

  close(): void {
    if (this.session !== undefined) this.host.sessions.release(this.session);
    this.session = undefined;
  }

  private get isAtMostOnce(): boolean {
    return this.content.delivery === 'at-most-once';
  }

  /** It was composed for what the mail server offered before: another one behind the same name may offer less. */
  private async fitted(email: OutgoingEmail, message: ComposedMessage): Promise<ComposedMessage> {
    email.message = await this.composeAs7bit(email, message);
    return email.message;
  }

  /** Connecting takes its time, as do steps of the installation's own, in which much may have been said. */
  private mayHandOver(email: OutgoingEmail, until: number): Awaitable<boolean> {
    if (this.host.recorder.mayGoOn(this.lease) === true && performance.now() <= until) return true;
    return this.mayHandOverLater(email, until);
  }

  private async mayHandOverLater(email: OutgoingEmail, until: number): Promise<boolean> {
    const { recorder, db } = this.host;
    let isFreshUntil = until;
    while (await recorder.mayGoOn(this.lease)) {
      if (performance.now() <= isFreshUntil) return true;
      const askedAt = performance.now();
      const own = { first: email.position, last: email.position };
      const [queued] = await readRecipients(db, email.campaignId, own, 1, this.rules);
      // At another address by now: what was made for the one before, whose "no" was not asked for, is not sent.
      if (queued === undefined || queued.recipient.email !== email.recipient.email) return false;
      if (queued.exclusion !== null) {
        // What was handed over before may have arrived, whatever was said since.
        email.outcome = email.isInDoubt
          ? { kind: 'in_doubt', reason: `${doubtReasons.noAnswer}: ${this.fruitless?.reply ?? ''}` }
          : { kind: 'skipped', reason: queued.exclusion };
        return false;
      }
      isFreshUntil = freshUntil(askedAt);
    }
    return false;
  }

  private settle(
    email: OutgoingEmail,
    message: ComposedMessage,
    result: Exclude<SmtpResult, { kind: 'connection-lost' | 'server-busy' }>,
  ): void {
    switch (result.kind) {
      case 'accepted':
        email.outcome = { kind: 'sent', reply: result.reply, messageId: message.messageId };
        return;
      case 'rejected':
        email.outcome = { kind: 'failed', reason: answeredReasons.refused, reply: result.reply };
        return;
      case 'unfit':
        email.outcome = { kind: 'failed', reason: result.reply };
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

  private isInVain(): boolean {
    if (this.fruitless === undefined) return false;
    const { attempts, tookMs } = this.fruitless;
    return attempts >= fruitlessUntilIll || tookMs > fruitlessMaximumMs;
  }

  private takesNothing(): UnavailableError {
    const reply = this.fruitless?.reply ?? '';
    this.fruitless = undefined;
    this.host.mailServer.takesNothing(`The mail server takes no messages: ${reply}`);
    return mailServerAway(this.host);
  }

  private answered(): void {
    this.fruitless = undefined;
    if (!this.isEmulated) this.host.mailServer.answered();
  }

  private get isEmulated(): boolean {
    return (this.content.emulation ?? this.host.emulation) !== undefined;
  }

  private async connected(): Promise<MailSession | undefined> {
    const emulation = this.content.emulation ?? this.host.emulation;
    if (emulation !== undefined) {
      this.session = new EmulatedSession(emulation);
      return this.session;
    }
    try {
      this.session = await this.host.sessions.acquire();
      this.host.mailServer.offers = this.session.offers;
      this.host.mailServer.connected();
      return this.session;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      this.host.mailServer.unreachable(error.message);
      return undefined;
    }
  }
}

function isTakenBy({ offers }: MailSession, { encoding }: ComposedMessage): boolean {
  return encoding !== '8bit' || offers.eightBitMime;
}

/** What a batch ends with that this host cannot send now. */
export function mailServerAway({ name, mailServer }: DispatchHost): UnavailableError {
  const health = mailServer.health === 'ok' ? 'the mail server was away for a moment' : mailServer.health;
  return new UnavailableError('MTA_UNREACHABLE', `${name} cannot send now: ${health}`, {
    field: 'EXM_SMTP_URL',
    hint: 'The batch is tried again, here or on another server.',
  });
}
