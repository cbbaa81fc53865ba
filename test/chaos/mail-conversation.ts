import type { Socket } from 'node:net';

/** What a mail server does with a message: its reply, or none because it hangs up. */
export type MailAnswer =
  | { readonly kind: 'reply'; readonly reply: string }
  /** Hangs up, after this last reply where there is one. */
  | { readonly kind: 'hang-up'; readonly reply?: string };

export interface MessageHead {
  readonly from: string;
  readonly to: string;
  /** Empty where it has none. */
  readonly messageId: string;
  /** When the first of its content had arrived, in ms since 1970. Its envelope may have come long before, with the message before it. */
  readonly begunAt: number;
  /**
   * By when its sender had decided to send it, in ms since 1970: when it said DATA. What it announced with the message before it
   * could be withdrawn until its content came.
   */
  readonly decidedAt: number;
}

/** Asked in the order of a message. Undefined: as it should be. */
export interface MailDecisions {
  onMail(): MailAnswer | undefined;
  onRecipient(address: string): MailAnswer | undefined;
  /** When the first part of the message has arrived. */
  onContent(): MailAnswer | undefined;
  /** When all of it has arrived. What is accepted, or kept and left without a reply, has been received. */
  onMessage(message: MessageHead): MailAnswer | undefined;
}

const endOfContent = Buffer.from('\r\n.\r\n');
const greeting = '220 chaos ESMTP\r\n';
const extensions =
  '250-chaos\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 50000000\r\n';

/** The server's side of one SMTP connection. Reads no more of a message than its envelope and its Message-ID. */
export class MailConversation {
  private unread: Buffer = Buffer.alloc(0);
  private from = '';
  private to = '';
  /** Since when it reads nothing, in ms since 1970: what it reads next may have arrived then already. */
  silentSince: number | undefined;
  private readAt = 0;
  private begunAt = 0;
  /** Undefined: with its content. */
  private decidedAt: number | undefined;
  /** Whether a message came to its end in what was read last. */
  private endedInRead = false;
  private inContent = false;
  private contentBegun = false;
  private searched = 0;

  constructor(
    private readonly socket: Socket,
    private readonly decisions: MailDecisions,
  ) {}

  /** Whether a message, or a part of one, is here without its reply. */
  get hasMessage(): boolean {
    return this.inContent;
  }

  greet(): void {
    this.socket.write(greeting);
    this.socket.on('data', (chunk: Buffer) => this.read(chunk));
  }

  private read(chunk: Buffer): void {
    this.readAt = this.silentSince ?? Date.now();
    this.silentSince = undefined;
    this.endedInRead = false;
    this.unread = this.unread.length === 0 ? chunk : Buffer.concat([this.unread, chunk]);
    while (!this.socket.destroyed && !this.socket.writableEnded && this.readNext());
  }

  /** @returns whether there may be more to read already */
  private readNext(): boolean {
    return this.inContent ? this.readContent() : this.readCommand();
  }

  private readCommand(): boolean {
    const end = this.unread.indexOf('\r\n');
    if (end < 0) return false;
    const line = this.unread.toString('latin1', 0, end);
    this.unread = this.unread.subarray(end + 2);
    this.command(line.slice(0, 4).toUpperCase(), line);
    return true;
  }

  private command(verb: string, line: string): void {
    switch (verb) {
      case 'EHLO':
      case 'HELO':
        this.socket.write(extensions);
        return;
      case 'MAIL': {
        this.from = addressIn(line);
        this.to = '';
        const answer = this.decisions.onMail();
        if (answer !== undefined) this.from = '';
        this.answer(answer ?? fine);
        return;
      }
      case 'RCPT': {
        if (this.from === '') {
          this.socket.write('503 5.5.1 MAIL first\r\n');
          return;
        }
        const address = addressIn(line);
        const answer = this.decisions.onRecipient(address);
        if (answer === undefined) this.to = address;
        this.answer(answer ?? fine);
        return;
      }
      case 'DATA':
        if (this.to === '') {
          this.socket.write('554 5.5.1 no valid recipients\r\n');
          return;
        }
        this.decidedAt = this.endedInRead ? undefined : this.readAt;
        this.inContent = true;
        this.contentBegun = false;
        this.searched = 0;
        this.socket.write('354 go on\r\n');
        return;
      case 'QUIT':
        this.socket.end('221 2.0.0 bye\r\n');
        return;
      default:
        this.from = '';
        this.to = '';
        this.socket.write('250 2.0.0 fine\r\n');
    }
  }

  private readContent(): boolean {
    if (this.unread.length === 0) return false;
    if (!this.contentBegun) {
      this.contentBegun = true;
      this.begunAt = this.readAt;
      const answer = this.decisions.onContent();
      if (answer !== undefined) {
        this.answer(answer);
        return false;
      }
    }
    const end = this.unread.indexOf(endOfContent, this.searched);
    if (end < 0) {
      this.searched = Math.max(0, this.unread.length - endOfContent.length + 1);
      return false;
    }
    const head = this.unread.toString('latin1', 0, Math.min(end, 8_000));
    this.unread = this.unread.subarray(end + endOfContent.length);
    const { from, to, begunAt, decidedAt = begunAt } = this;
    const messageId = /^message-id:\s*(<[^>\r\n]*>)/im.exec(head)?.[1] ?? '';
    const answer = this.decisions.onMessage({ from, to, messageId, begunAt, decidedAt }) ?? fine;
    this.inContent = false;
    this.endedInRead = true;
    this.from = '';
    this.to = '';
    this.answer(answer);
    return true;
  }

  private answer(answer: MailAnswer): void {
    if (answer.kind === 'reply') this.socket.write(`${answer.reply}\r\n`);
    else if (answer.reply === undefined) this.socket.resetAndDestroy();
    else this.socket.end(`${answer.reply}\r\n`);
  }
}

const fine: MailAnswer = { kind: 'reply', reply: '250 2.0.0 fine' };

function addressIn(line: string): string {
  return (/<([^>]*)>/.exec(line)?.[1] ?? '').toLowerCase();
}
