/** One whole reply of a mail server, of one line or several (RFC 5321 section 4.2). */
export interface Reply {
  /** Of its first line. Undefined where it is none, by RFC 5321: the two sides have lost each other. */
  readonly code: number | undefined;
  /** Its lines with their codes, "\n" between them. Latin-1: a character is a byte. */
  readonly text: string;
}

/** Longer replies than this, bytes, are an attempt to fill memory: RFC 5321 section 4.5.3.1.5 allows 512 for a line. */
export const replyMaximum = 65_536;

const carriageReturn = 13;
const space = 32;
const hyphen = 45;

/** Takes what a mail server says apart into replies, however it arrives: in pieces, or several at once. */
export class ReplyReader {
  /** What has arrived and is not taken yet, from `#at`. */
  #text = '';
  #at = 0;
  /** Whether the end of a line may be in it: what arrives byte by byte is looked at once. */
  #mayHoldLine = false;
  /** The lines so far of a reply that goes on. */
  #begun: Reply | undefined;

  push(bytes: Buffer): void {
    const piece = bytes.toString('latin1');
    this.#text = this.#text === '' ? piece : this.#text + piece;
    this.#mayHoldLine ||= piece.includes('\n') || this.#text.length > replyMaximum;
  }

  /** The next reply that has arrived whole; undefined where there is none. */
  next(): Reply | undefined {
    while (this.#mayHoldLine) {
      const start = this.#at;
      const feed = this.#text.indexOf('\n', start);
      if (feed < 0) {
        this.#text = this.#text.slice(start);
        this.#at = 0;
        this.#mayHoldLine = false;
        return this.#text.length > replyMaximum ? tooLong : undefined;
      }
      this.#at = feed + 1;
      const end = this.#text.charCodeAt(feed - 1) === carriageReturn ? feed - 1 : feed;
      // Servers are heard that send empty lines between replies; they say nothing.
      if (end <= start) continue;
      const reply = this.#line(this.#text.slice(start, end));
      if (reply !== undefined) return reply;
    }
    return undefined;
  }

  /** What is left when the server has hung up: a refusal counts also without the end of its line. */
  rest(): Reply | undefined {
    const line = this.#text.slice(this.#at);
    return /^[45]\d\d[ -]/.test(line) ? { code: codeOf(line), text: line } : undefined;
  }

  #line(line: string): Reply | undefined {
    const code = codeOf(line);
    const begun = this.#begun;
    this.#begun = undefined;
    if (code === undefined) return { code, text: line };
    let reply: Reply = { code, text: line };
    if (begun?.code !== undefined) {
      const text = `${begun.text}\n${line}`;
      // One that says yes and no has said neither.
      reply = { code: isOfOneKind(begun.code, code) ? begun.code : undefined, text };
      if (text.length > replyMaximum) return tooLong;
      if (reply.code === undefined) return reply;
    }
    if (line.charCodeAt(3) !== hyphen) return reply;
    this.#begun = reply;
    return undefined;
  }
}

const tooLong: Reply = { code: undefined, text: `a reply longer than ${replyMaximum} bytes` };

function isOfOneKind(one: number, other: number): boolean {
  return Math.floor(one / 100) === Math.floor(other / 100);
}

/** Three digits, the first of them 2 to 5, then a space, a hyphen or nothing. */
function codeOf(line: string): number | undefined {
  if (line.length > 3) {
    const after = line.charCodeAt(3);
    if (after !== space && after !== hyphen) return undefined;
  }
  const [first, second, third] = [digitAt(line, 0), digitAt(line, 1), digitAt(line, 2)];
  // NaN, where a character is missing, is no digit either.
  if (!(first >= 2 && first <= 5 && isDigit(second) && isDigit(third))) return undefined;
  return first * 100 + second * 10 + third;
}

function digitAt(line: string, index: number): number {
  return line.charCodeAt(index) - 48;
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}
