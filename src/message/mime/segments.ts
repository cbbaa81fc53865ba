import { Buffer } from 'node:buffer';
/** Bytes that every recipient gets, or a place for something of the recipient's own. */
export type Segment = Buffer | Slot;

export interface Slot {
  /** What goes there: a value of a part, or the message's boundary. */
  readonly of: 'html' | 'text' | 'boundary';
  /** Number of the value. */
  readonly index: number;
  /** Where the value begins, for its encoding. */
  readonly column: number;
}

/** Collects segments; neighbouring bytes become one. */
export class SegmentWriter {
  readonly #segments: Segment[] = [];
  #pending: Buffer[] = [];

  text(text: string): void {
    if (text !== '') this.#pending.push(Buffer.from(text, 'utf8'));
  }

  bytes(bytes: Buffer): void {
    this.#pending.push(bytes);
  }

  slot(slot: Slot): void {
    this.#flush();
    this.#segments.push(slot);
  }

  end(): readonly Segment[] {
    this.#flush();
    return this.#segments;
  }

  /** Files are large and shared by all bodies of a campaign: they are not copied. */
  #flush(): void {
    let run: Buffer[] = [];
    const endRun = () => {
      if (run.length > 0) this.#segments.push(Buffer.concat(run));
      run = [];
    };
    for (const bytes of this.#pending) {
      if (bytes.length < largestCopied) run.push(bytes);
      else {
        endRun();
        this.#segments.push(bytes);
      }
    }
    endRun();
    this.#pending = [];
  }
}

const largestCopied = 65_536;
