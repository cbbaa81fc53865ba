import type { ExclusionSettings } from '../contacts/audience/exclusion.ts';
import type { Awaitable } from '../domain/awaitable.ts';
import { nextAttemptInMs } from '../domain/deferral-policy.ts';
import { FailedError } from '../domain/errors.ts';
import { type SendEmailStep, sendEmailSteps } from '../domain/pipeline.ts';
import type { ComposedMessage, MessageEncoding } from '../message/content.ts';
import { MessageRoom } from '../message/mime/room.ts';
import { RecipientFailedError } from '../message/recipient-failed-error.ts';
import { answeredReasons } from './bounce-of.ts';
import type { LoadedContent } from './content-cache.ts';
import type { DispatchHost } from './dispatch-host.ts';
import type { Lease } from './ledger/lease.ts';
import { doubtReasons } from './ledger/leave-in-doubt.ts';
import { MessageSender } from './message-sender.ts';
import { requireProcessor } from './processors.ts';
import type { QueuedRecipient } from './read-recipients.ts';
import type { Fed } from './recipient-feed.ts';
import { isDecided, type NamedProcessor, type OutgoingEmail } from './send-email-pipeline.ts';

const hourMs = 3_600_000;

/** EXM's pipeline SendEmail, for the recipients that one thread takes of a batch: FillEmail, SendEmail, EmailSent, Sleep, and steps of the installation's own. */
export class SendEmail {
  /** How many recipients the mail server put off. */
  deferred = 0;
  private until = 0;
  /** Whose message is made already: it was announced with the one before. */
  private prepared: { readonly queued: QueuedRecipient; readonly email: OutgoingEmail } | undefined;
  /** The recipient that most likely follows. */
  private upcoming: QueuedRecipient | undefined;
  private readonly steps: readonly NamedProcessor[];
  private readonly sender: MessageSender;
  /** False where steps of the installation's own stand between: what they made of a message is signed, and not composed again. */
  private readonly isSentAsFilled: boolean;
  /** Whether a message may be made before the one before it is sent: not where a step of the installation's own comes first. */
  private readonly isFilledFirst: boolean;
  /** None where steps of the installation's own see messages, and may keep them. */
  private readonly memory: MessageRoom | undefined;
  private current: OutgoingEmail | undefined;

  constructor(
    private readonly host: DispatchHost,
    private readonly lease: Lease,
    private readonly content: LoadedContent,
    steps: readonly string[],
    rules: ExclusionSettings,
  ) {
    const composeAs7bit = (email: OutgoingEmail, message: ComposedMessage) =>
      this.isSentAsFilled ? this.compose(email, '7bit') : message;
    this.sender = new MessageSender(host, lease, content.frozen, composeAs7bit, rules);
    this.isSentAsFilled = steps.indexOf('SendEmail') === steps.indexOf('FillEmail') + 1;
    this.isFilledFirst = this.isSentAsFilled && steps[0] === 'FillEmail';
    const isOursAlone = steps.every((name) => sendEmailSteps.some((builtIn) => builtIn === name));
    this.memory = isOursAlone ? new MessageRoom() : undefined;
    this.steps = steps.map((name) => ({ name, run: this.processor(name) }));
  }

  /** Whether `run` has a use for the next recipient. With a Sleep between, the mail server would wait for what it was announced. */
  get looksAhead(): boolean {
    return this.isFilledFirst && this.host.recorder.sleepMs === 0;
  }

  /**
   * @param upcoming the recipient that most likely follows: announced to the mail server together with this message
   * @returns false where this recipient was not attempted: the thread was told to stop, others have settled them, or they have
   *   another address
   */
  async run({ queued, until }: Fed, upcoming?: QueuedRecipient): Promise<boolean> {
    this.until = until;
    this.upcoming = upcoming;
    const email = this.prepared?.queued === queued ? this.prepared.email : this.emailTo(queued);
    this.current = email;
    if (queued.exclusion !== null) email.outcome = { kind: 'skipped', reason: queued.exclusion };
    let isRecorded = false;
    for (const step of this.steps) {
      if (step.name === 'FillEmail' && this.prepared?.email === email) continue;
      if (step.name === 'EmailSent') {
        this.emailSent(email, queued);
        isRecorded = email.outcome !== undefined;
      } else if (step.name === 'Sleep') {
        if (this.host.recorder.sleepMs > 0) await this.sleep(email);
      } else if (isRecorded) await step.run({ ...email });
      else if (!isDecided(email)) {
        try {
          const running = step.run(email);
          if (running !== undefined) await running;
        } catch (error) {
          if (!(error instanceof RecipientFailedError)) throw error;
          email.outcome = { kind: 'failed', reason: error.message };
        }
      }
      if (step.name === 'SendEmail' && !isDecided(email)) return false;
    }
    return true;
  }

  close(): void {
    this.sender.close();
  }

  private processor(name: string): NamedProcessor['run'] {
    const builtIn: Record<SendEmailStep, NamedProcessor['run']> = {
      FillEmail: (email) => this.fillEmail(email),
      SendEmail: (email) => (this.isSentAsFilled ? this.send(email) : this.signAndSend(email)),
      // These two need to know more than the email: see `run`.
      EmailSent: () => undefined,
      Sleep: () => undefined,
    };
    return builtIn[name as SendEmailStep] ?? this.ownProcessor(name);
  }

  private ownProcessor(name: string): NamedProcessor['run'] {
    const own = requireProcessor(this.host.processors, name);
    return async (email) => {
      try {
        await own(email);
      } catch (error) {
        if (error instanceof RecipientFailedError) throw error;
        throw new FailedError(
          'PROCESSOR_FAILED',
          `The processor "${name}" threw: ${error instanceof Error ? error.message : String(error)}`,
          {
            field: `processors.${name}`,
            hint: 'Mend it, restart the dispatchers, then resume the campaign.',
            cause: error,
          },
        );
      }
    };
  }

  private emailTo({ position, variant, language, recipient }: QueuedRecipient): OutgoingEmail {
    return { campaignId: this.lease.campaignId, position, variant, language, recipient };
  }

  private fillEmail(email: OutgoingEmail): Awaitable<void> {
    const keep = (message: ComposedMessage) => {
      email.message = message;
    };
    const made = this.compose(email, this.encoding);
    return made instanceof Promise ? made.then(keep) : void keep(made);
  }

  private async signAndSend(email: OutgoingEmail): Promise<void> {
    await this.signWhatWasChanged(email);
    await this.send(email);
  }

  private send(email: OutgoingEmail): Promise<void> {
    return this.sender.send(email, this.until, () => this.prepare());
  }

  /** The most that the mail server is known to take of what nobody changes any more. */
  private get encoding(): MessageEncoding {
    return this.host.mailServer.offers.eightBitMime && this.isSentAsFilled ? '8bit' : '7bit';
  }

  /** Makes the message of the recipient that follows. What is wrong with it is told when it is their turn. */
  private prepare(): Awaitable<ComposedMessage | undefined> {
    const { upcoming } = this;
    if (upcoming === undefined || upcoming.exclusion !== null) return undefined;
    if (this.prepared?.queued === upcoming) return this.prepared.email.message;
    const email = this.emailTo(upcoming);
    if (this.memory !== undefined) this.memory.kept = this.current?.message?.raw;
    const keep = (message: ComposedMessage) => {
      email.message = message;
      this.prepared = { queued: upcoming, email };
      return message;
    };
    try {
      const made = this.compose(email, this.encoding);
      return made instanceof Promise ? made.then(keep, () => undefined) : keep(made);
    } catch {
      return undefined;
    }
  }

  private compose(email: OutgoingEmail, encoding: MessageEncoding): Awaitable<ComposedMessage> {
    const { recipient, position, variant, language } = email;
    const options = { encoding, sign: this.isSentAsFilled, memory: this.memory };
    return this.content.composer.composeNow(recipient, position, variant, language, options);
  }

  /** A signature that was made before would not hold. */
  private async signWhatWasChanged(email: OutgoingEmail): Promise<void> {
    const { message, variant, language } = email;
    if (message === undefined) return;
    const signed = await this.content.composer.sign(message, variant, language);
    // A step may have put in lines of its own.
    email.message = { ...signed, isCanonical: false };
  }

  /** The EmailSent interaction (or DispatchFailed): the recipient's entry in the ledger. */
  private emailSent(email: OutgoingEmail, queued: QueuedRecipient): void {
    const at = new Date();
    const { position, recipient } = email;
    if (email.deferredReply !== undefined) {
      const sinceFirstMs = queued.sinceFirstAttemptMs;
      const attempts = queued.attempts + 1;
      const { deferralMaximumHours, deferralFirstDelaySeconds } = this.host.settings;
      const dueInMs = nextAttemptInMs(attempts, sinceFirstMs, {
        firstDelayMs: deferralFirstDelaySeconds * 1_000,
        maximumAgeMs: deferralMaximumHours * hourMs,
      });
      if (dueInMs !== undefined) {
        this.deferred++;
        const reply = email.deferredReply;
        this.host.recorder.defer(this.lease, { position, attempts, sinceFirstMs, dueInMs, reply });
        return;
      }
      email.outcome = email.isInDoubt
        ? { kind: 'in_doubt', reason: `${doubtReasons.noAnswer}: ${email.deferredReply}` }
        : {
            kind: 'failed',
            reason: answeredReasons.putOff,
            reply: email.deferredReply,
          };
    }
    if (email.outcome === undefined) {
      throw new FailedError(
        'OUTCOME_MISSING',
        'The steps of SendEmail left a recipient without an outcome.',
        {
          field: 'pipelines.sendEmail',
        },
      );
    }
    if (queued.hasNewAddress && email.outcome.kind === 'sent') {
      const { contactId, email: address } = recipient;
      this.lease.addressChanges.push({ contactId, email: address, at: at.toISOString() });
    }
    this.host.recorder.record(this.lease, {
      position,
      contactId: recipient.contactId,
      outcome: email.outcome,
      at,
    });
  }

  /** EXM's Sleep after each message that went to the mail server; a change of it, and a stop, end the pause at once. */
  private async sleep(email: OutgoingEmail): Promise<void> {
    if (email.outcome?.kind === 'skipped') return;
    const from = performance.now();
    for (;;) {
      const leftMs = from + this.host.recorder.sleepMs - performance.now();
      if (leftMs <= 0 || this.lease.word !== 'go') return;
      await this.lease.pause(leftMs);
    }
  }
}
