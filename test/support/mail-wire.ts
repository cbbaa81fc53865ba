import { Duplex, duplexPair } from 'node:stream';
import { Conversation, type ConversationLimits } from '../../src/smtp/conversation.ts';
import { readExtensions } from '../../src/smtp/offers.ts';
import { type BluntMailServerOptions, converseBluntly } from './blunt-mail-server.ts';

/** What a mail server offers that reads on while it answers. */
export const pipelines = '250-blunt\r\n250-PIPELINING\r\n250 SIZE';

const patient: ConversationLimits = { envelopeMs: 60_000, contentMs: 60_000, courtesyMs: 60_000 };

export interface MailWireOptions {
  /** The answer to EHLO, which is not asked for here. */
  readonly greeted?: string;
  readonly limits?: Partial<ConversationLimits>;
  /** What the server said before the conversation began. */
  readonly unread?: string;
}

/** A conversation without a network: each write of the one side is one packet for the other. */
export function conversationOver(client: Duplex, options: MailWireOptions = {}): Conversation {
  const { greeted = pipelines, limits, unread = '' } = options;
  return new Conversation({ socket: client, unread: Buffer.from(unread) }, readExtensions(greeted), {
    ...patient,
    ...limits,
  });
}

/**
 * One with a blunt mail server whose replies come in pieces.
 *
 * @param sizes of the pieces, bytes, again and again; what has been said by then and is shorter goes as it is
 */
export function conversationInPieces(
  server: BluntMailServerOptions,
  sizes: readonly number[],
  options?: MailWireOptions,
): Conversation {
  const [near, far] = duplexPair();
  const side = new CutIntoPieces(far, sizes);
  converseBluntly(side, server, { accepted: [], arrived: [] });
  return conversationOver(near, options);
}

/** A server's end of the wire: what it says leaves with the next turns of the event loop, cut. */
class CutIntoPieces extends Duplex {
  private said = Buffer.alloc(0);
  private isEnding = false;
  private isLeaving = false;
  private cuts = 0;

  constructor(
    private readonly far: Duplex,
    private readonly sizes: readonly number[],
  ) {
    super();
    far.on('data', (bytes: Buffer) => this.push(bytes));
    far.on('end', () => this.push(null));
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.said = Buffer.concat([this.said, bytes]);
    this.leave();
    done();
  }

  override _final(done: () => void): void {
    this.isEnding = true;
    this.leave();
    done();
  }

  private leave(): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    setImmediate(() => {
      this.isLeaving = false;
      const size = this.sizes[this.cuts++ % this.sizes.length] ?? this.said.length;
      const piece = this.said.subarray(0, size);
      this.said = this.said.subarray(size);
      // What it says is heard, and may be answered, at once.
      if (piece.length > 0) this.far.write(piece);
      if (this.said.length > 0) this.leave();
      else if (this.isEnding) this.far.end();
    });
  }
}
