/** What the receiver has counted. */
export interface ReceiverCounts {
  messages: number;
  /** Of their content, as it came over the wire, its end included. */
  bytes: number;
  firstMs: number;
  lastMs: number;
  connections: number;
}

export const greeting = '220 exm bench ESMTP\r\n';
const offers =
  '250-exm bench\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 52428800\r\n250 ENHANCEDSTATUSCODES\r\n';

const endOfContent = Buffer.from('\r\n.\r\n');
const lineFeed = 0x0a;
const nothing = Buffer.alloc(0);
/** RFC 5321 section 4.5.3.1.4 allows 512 octets, extensions somewhat more. */
const lineMaximum = 4_096;

/** The first four letters of a command as a number, whatever their case. */
const verb = (letters: string) => Buffer.from(letters).readUInt32BE();
const upperCase = 0xdfdfdfdf;
const verbs = {
  ehlo: verb('EHLO'),
  helo: verb('HELO'),
  mail: verb('MAIL'),
  rcpt: verb('RCPT'),
  data: verb('DATA'),
  rset: verb('RSET'),
  noop: verb('NOOP'),
  quit: verb('QUIT'),
} as const;

/**
 * The server's side of one SMTP connection that keeps nothing: it counts messages and answers, all commands of a chunk at
 * once (RFC 2920). What a message costs here is taken from the sender that is measured, so content is neither looked at nor
 * copied: its end is searched for from the back. A chunk has one at the most, for content comes after our answer to DATA.
 */
export class SmtpConversation {
  readonly #counts: ReceiverCounts;
  /** A command line that has not ended yet. */
  #line = nothing;
  #inContent = false;
  /** How much of the end of content stood at the end of what has come so far, bytes. */
  #matched = 0;
  #contentBytes = 0;
  #recipients = 0;
  #answers = '';
  /** Nothing more is to be said on this connection once the answers are out. */
  over = false;

  constructor(counts: ReceiverCounts) {
    this.#counts = counts;
  }

  /** Takes what has come over the wire. @returns what is to be answered to it; empty where nothing is */
  take(chunk: Buffer): string {
    this.#answers = '';
    for (let at = 0; at < chunk.length && !this.over; ) {
      at = this.#inContent ? this.#takeContent(chunk, at) : this.#takeLine(chunk, at);
    }
    return this.#answers;
  }

  /** @returns where what follows the content begins, or the end of the chunk */
  #takeContent(chunk: Buffer, from: number): number {
    const end = this.#findEnd(chunk, from);
    if (end === undefined) {
      this.#contentBytes += chunk.length - from;
      return chunk.length;
    }
    const now = Date.now();
    const counts = this.#counts;
    if (counts.messages === 0) counts.firstMs = now;
    counts.lastMs = now;
    counts.messages++;
    counts.bytes += this.#contentBytes + end - from;
    this.#inContent = false;
    this.#recipients = 0;
    this.#answers += '250 2.0.0 Ok\r\n';
    return end;
  }

  /** @returns where the content ends; undefined where it goes on in the next chunk */
  #findEnd(chunk: Buffer, from: number): number | undefined {
    let at = from;
    // The end may have begun in the chunk before, or be the very first line.
    while (this.#matched > 0 && at < chunk.length) {
      this.#matched = matchedWith(this.#matched, chunk[at++]);
      if (this.#matched === endOfContent.length) return at;
    }
    if (at === chunk.length) return undefined;
    const found = chunk.lastIndexOf(endOfContent);
    if (found >= at) return found + endOfContent.length;
    for (at = Math.max(at, chunk.length - endOfContent.length + 1); at < chunk.length; at++) {
      this.#matched = matchedWith(this.#matched, chunk[at]);
    }
    return undefined;
  }

  /** @returns where the next line begins, or the end of the chunk */
  #takeLine(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(lineFeed, from);
    if (end < 0 || this.#line.length > 0) {
      const part = chunk.subarray(from, end < 0 ? undefined : end + 1);
      // Copied: the chunk's memory is somebody else's afterwards.
      this.#line = Buffer.concat([this.#line, part]);
    }
    if (Math.max(this.#line.length, end - from) > lineMaximum) {
      this.#answers += '500 5.5.6 Line too long\r\n';
      this.over = true;
    } else if (end >= 0) {
      if (this.#line.length === 0) this.#command(chunk, from, end);
      else this.#command(this.#line, 0, this.#line.length - 1);
      this.#line = nothing;
      if (this.#inContent && end + 1 < chunk.length) {
        this.#answers += '503 5.5.0 Content before the answer to DATA\r\n';
        this.over = true;
      }
    }
    return end < 0 ? chunk.length : end + 1;
  }

  #command(buffer: Buffer, from: number, end: number): void {
    const given = end - from < 4 ? 0 : (buffer.readUInt32BE(from) & upperCase) >>> 0;
    switch (given) {
      case verbs.mail:
        this.#recipients = 0;
        this.#answers += '250 2.1.0 Ok\r\n';
        return;
      case verbs.rcpt:
        this.#recipients++;
        this.#answers += '250 2.1.5 Ok\r\n';
        return;
      case verbs.data:
        if (this.#recipients === 0) {
          this.#answers += '503 5.5.1 No recipient\r\n';
          return;
        }
        this.#inContent = true;
        this.#contentBytes = 0;
        // The line of DATA has ended: a dot that follows at once is the end.
        this.#matched = 2;
        this.#answers += '354 Go on\r\n';
        return;
      case verbs.ehlo:
        this.#answers += offers;
        return;
      case verbs.helo:
        this.#answers += '250 exm bench\r\n';
        return;
      case verbs.rset:
        this.#recipients = 0;
        this.#answers += '250 2.0.0 Ok\r\n';
        return;
      case verbs.noop:
        this.#answers += '250 2.0.0 Ok\r\n';
        return;
      case verbs.quit:
        this.#answers += '221 2.0.0 Bye\r\n';
        this.over = true;
        return;
      default:
        this.#answers += '500 5.5.2 Not known\r\n';
    }
  }
}

/** How much of the end of content is matched by the next byte, where so much was before. */
function matchedWith(matched: number, byte: number | undefined): number {
  if (byte === endOfContent[matched]) return matched + 1;
  return byte === endOfContent[0] ? 1 : 0;
}
