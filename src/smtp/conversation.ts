import type { Duplex } from 'node:stream';
import { Deadline } from './deadline.ts';
import type { OutgoingMessage } from './mail-session.ts';
import type { SmtpExtensions } from './offers.ts';
import { type ConnectionLost, isClosing, readable, type SmtpResult } from './reply.ts';
import { type Reply, ReplyReader } from './reply-reader.ts';
import type { TakenOver } from './take-over.ts';
import { Transaction } from './transaction.ts';
import { command, content, endOf, envelope } from './wire-format.ts';

/** How long the mail server may take for messages, milliseconds, however it fills the time. */
export interface ConversationLimits {
  /** For MAIL, RCPT and DATA. */
  readonly envelopeMs: number;
  /** From the first byte of a message to the answer to it. */
  readonly contentMs: number;
  /** For RSET and QUIT, on which nothing depends. */
  readonly courtesyMs: number;
}

/** Bytes of content that are written together with what follows it. */
const oneWriteMaximum = 262_144;

const notSent = 'a message that was announced was not sent';

/**
 * The messages of one connection that is logged in. Where the server offers PIPELINING (RFC 2920) an envelope is one write,
 * and a content and the envelope of the message after it are one as well; else there is one command at a time, by the same
 * steps.
 *
 * Replies are told apart by nothing but their order. So whatever is said out of turn ends the connection: the next
 * reply would be taken for the answer to something else.
 */
export class Conversation {
  private readonly socket: Duplex;
  private readonly replies = new ReplyReader();
  private readonly deadline: Deadline;
  private open = true;
  private lostBy = 'the connection is closed';
  /** The message that is being sent. */
  private current: Transaction | undefined;
  /** The one whose envelope went out with it: what is said after the answer to `current` is about this one. */
  private announced: Transaction | undefined;
  private isWithdrawn = false;
  /** Whether an envelope was refused and the server may still have the half of it. */
  private needsReset = false;
  /** Commands to be written when everything that was said has been heard. */
  private outbox = '';
  /** Bytes that were written behind the content of `current`. */
  private behindContent = 0;
  private quitting: NodeJS.Timeout | undefined;

  constructor(
    { socket, unread }: TakenOver,
    private readonly offers: SmtpExtensions,
    private readonly limits: ConversationLimits,
  ) {
    const { envelopeMs, contentMs, courtesyMs } = limits;
    this.deadline = new Deadline(Math.min(envelopeMs, contentMs, courtesyMs), () => this.late());
    this.socket = socket;
    socket.on('data', (bytes) => this.hear(bytes));
    socket.on('end', () => this.hungUp());
    socket.on('error', (error) => this.giveUp(error.message));
    socket.on('close', () => {
      this.hungUp();
      clearTimeout(this.quitting);
    });
    this.hear(unread);
    if (socket.destroyed || !socket.writable) this.hungUp();
  }

  get isOpen(): boolean {
    return this.open;
  }

  hasAnnounced(message: OutgoingMessage): boolean {
    return this.announced?.message === message;
  }

  /** One message at a time. `next` is announced where PIPELINING is offered. */
  send(message: OutgoingMessage, next: OutgoingMessage | undefined): Promise<SmtpResult> {
    if (this.current !== undefined) {
      return Promise.reject(new Error('A connection carries one message at a time.'));
    }
    if (!this.hasAnnounced(message)) this.withdraw();
    if (!this.open) return Promise.resolve(this.lost(false));
    return new Promise((settle) => {
      const transaction = this.announced ?? this.begin(message);
      this.announced = undefined;
      this.current = transaction;
      transaction.settle = settle;
      transaction.next = next;
      this.deadline.allow(this.limits.envelopeMs);
      if (transaction.stage === 'decided') this.decided(transaction);
      this.speak();
    });
  }

  withdraw(): void {
    if (this.announced === undefined) return;
    if (this.current !== undefined) this.isWithdrawn = true;
    else if (this.announced.stage === 'decided') {
      this.announced = undefined;
      this.needsReset = true;
    } else this.giveUp(notSent);
  }

  /** QUIT, where the server is not in the middle of something. */
  close(): void {
    this.withdraw();
    if (!this.open) return;
    if (this.current !== undefined) {
      this.giveUp(this.lostBy);
      return;
    }
    this.open = false;
    this.deadline.stop();
    this.socket.write('QUIT\r\n');
    this.quitting = setTimeout(() => this.socket.destroy(), this.limits.courtesyMs).unref();
  }

  private hear(bytes: Buffer): void {
    if (!this.open) {
      if (this.quitting !== undefined) this.socket.end();
      return;
    }
    this.replies.push(bytes);
    for (let reply = this.replies.next(); reply !== undefined; reply = this.replies.next()) {
      this.take(reply);
      if (!this.open) return;
    }
    this.speak();
  }

  private take(reply: Reply): void {
    const transaction = this.current ?? this.announced;
    const isEarly = transaction?.stage === 'content' && this.socket.writableLength > this.behindContent;
    const isInTurn = transaction !== undefined && this.outbox === '';
    if (!isInTurn || reply.code === undefined || isClosing(reply) || !transaction.take(reply)) {
      this.giveUp(readable(reply.text), isClosing(reply));
    } else if (transaction === this.current) this.goOn(transaction);
    // The rest of the content has no place any more, and its memory may hold another message soon.
    if (isEarly) this.giveUp('the server answered a message before it had all of it');
  }

  private goOn(transaction: Transaction): void {
    const { stage, message } = transaction;
    if (stage === 'decided') this.decided(transaction);
    else if (stage === 'forgotten') this.finish(transaction);
    else if (!this.offers.pipelining && (stage === 'RCPT' || stage === 'DATA')) {
      this.outbox = command(stage, message, this.offers);
    }
  }

  /** What became of the message is known, and the connection stands. */
  private decided(transaction: Transaction): void {
    const isRefused = transaction.outcome?.kind !== 'accepted';
    if (isRefused && !this.offers.pipelining) {
      // RFC 5321 section 4.1.1.5: so that the next message starts afresh.
      transaction.stage = 'forgetting';
      this.outbox = 'RSET\r\n';
      this.deadline.allow(this.limits.courtesyMs);
      return;
    }
    this.needsReset = isRefused && this.announced === undefined;
    this.finish(transaction);
    if (this.isWithdrawn) this.giveUp(notSent);
    // After a "no" to the sender the same message, or none, will follow.
    else if (this.announced === undefined && !isAboutSender(transaction)) this.announce(transaction.next);
  }

  private finish({ settle, outcome }: Transaction): void {
    this.current = undefined;
    this.deadline.lift();
    settle?.(outcome ?? this.lost(false));
  }

  /** Begins with a message: its envelope is said with the next write. */
  private begin(message: OutgoingMessage): Transaction {
    const { pipelining } = this.offers;
    const isReset = this.needsReset;
    this.needsReset = false;
    this.outbox += pipelining
      ? envelope(isReset, message, this.offers)
      : command('MAIL', message, this.offers);
    return new Transaction(message, isReset ? 'RSET' : 'MAIL', pipelining);
  }

  private announce(next: OutgoingMessage | undefined): void {
    if (next !== undefined && this.offers.pipelining) this.announced = this.begin(next);
  }

  private speak(): void {
    const said = this.outbox;
    this.outbox = '';
    if (said !== '') this.socket.write(said);
    else if (this.current?.stage === 'ready') this.handOver(this.current);
  }

  private handOver(transaction: Transaction): void {
    transaction.stage = 'content';
    this.announce(transaction.next);
    const commands = this.outbox;
    this.outbox = '';
    this.deadline.allow(this.limits.contentMs);
    const bytes = content(transaction.message);
    // One system call for both. TLS copies what is written so: too much for a large one.
    const isOneWrite = bytes.length <= oneWriteMaximum;
    if (isOneWrite) this.socket.cork();
    const behind = endOf(bytes) + commands;
    this.behindContent = Buffer.byteLength(behind);
    this.socket.write(bytes);
    this.socket.write(behind);
    if (isOneWrite) this.socket.uncork();
  }

  private late(): void {
    const isContent = this.current?.stage === 'content';
    const ms = isContent ? this.limits.contentMs : this.limits.envelopeMs;
    const what = isContent ? 'the message' : 'MAIL, RCPT and DATA';
    this.giveUp(`the server did not answer ${what} within ${ms / 1_000} s`);
  }

  private hungUp(): void {
    if (!this.open) return;
    const last = this.replies.rest();
    if (last !== undefined) this.take(last);
    this.giveUp('the server closed the connection');
  }

  /**
   * Hangs up. A QUIT could become part of a message that is half sent.
   *
   * @param isRefused whether what the server said refuses the message
   */
  private giveUp(reply: string, isRefused = false): void {
    if (!this.open) return;
    this.open = false;
    this.lostBy = reply;
    this.announced = undefined;
    this.deadline.stop();
    this.socket.destroy();
    const { current } = this;
    if (current === undefined) return;
    current.outcome ??= this.lost(current.stage === 'content' && !isRefused);
    this.finish(current);
  }

  private lost(handedOver: boolean): ConnectionLost {
    return { kind: 'connection-lost', reply: this.lostBy, handedOver };
  }
}

function isAboutSender({ outcome }: Transaction): boolean {
  return outcome?.kind === 'server-busy' || outcome?.kind === 'sender-refused';
}
