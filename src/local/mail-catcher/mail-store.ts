import type { Readable } from 'node:stream';
import { readSubject } from './header-block.ts';
import { MailFiles, segmentOf, segmentSize } from './mail-files.ts';

/** What a list shows of a message. */
export interface MailSummary {
  /** Counts up from 1; never used again. */
  readonly id: number;
  /** When it had arrived whole, in ms since 1970. */
  readonly at: number;
  /** Envelope addresses: who really gets it, whatever its header says. */
  readonly from: string;
  readonly to: readonly string[];
  /** As in the header, so perhaps with encoded words (RFC 2047). */
  readonly subject: string;
  /** Bytes. */
  readonly size: number;
}

/** A line of the index: a message, or that all up to an id were removed by hand. */
type IndexEntry = MailSummary | { readonly clearedTo: number };

export interface MailStoreOptions {
  readonly dir: string;
  /** So many of the newest messages stay; older ones go by the thousand. Default 50,000. */
  readonly keep?: number;
  /** So many bytes stay at most, but for the newest thousand messages. Default 4 GB. */
  readonly keepBytes?: number;
}

export interface Incoming {
  readonly content: Readable;
  /** Asked after the last byte: the envelope, or undefined where the message is to be dropped. */
  readonly envelope: () => Pick<MailSummary, 'from' | 'to'> | undefined;
}

/**
 * The newest messages, on disk; in memory only what lists show of them. A message counts as kept when its file and
 * its line in the index are written. Nothing is synced: that guards against the end of the process, not of the machine.
 */
export class MailStore {
  readonly #files: MailFiles;
  readonly #keep: number;
  readonly #keepBytes: number;
  /** By id, ascending. */
  #summaries: MailSummary[] = [];
  #bytes = 0;
  #nextId = 1;
  readonly #arriving = new Set<number>();
  #tidying: Promise<void> | undefined;

  private constructor(options: MailStoreOptions) {
    this.#files = new MailFiles(options.dir);
    this.#keep = options.keep ?? 50_000;
    this.#keepBytes = options.keepBytes ?? 4e9;
  }

  /** Opens the store, and makes it where there is none. */
  static async open(options: MailStoreOptions): Promise<MailStore> {
    const store = new MailStore(options);
    await store.#files.prepare();
    await store.#load();
    return store;
  }

  get count(): number {
    return this.#summaries.length;
  }

  /** Id of the newest message kept; 0 where there is none. */
  get newestId(): number {
    return this.#summaries.at(-1)?.id ?? 0;
  }

  /** Newest first: up to `limit` that `matches` accepts, with ids below `before`. */
  list(
    limit: number,
    options: { readonly before?: number | undefined; readonly matches?: (mail: MailSummary) => boolean } = {},
  ): MailSummary[] {
    const { before = Number.POSITIVE_INFINITY, matches } = options;
    const found: MailSummary[] = [];
    for (let index = this.#summaries.length - 1; index >= 0 && found.length < limit; index -= 1) {
      const mail = this.#summaries[index];
      if (mail !== undefined && mail.id < before && (matches === undefined || matches(mail)))
        found.push(mail);
    }
    return found;
  }

  countMatching(matches: (mail: MailSummary) => boolean): number {
    return this.#summaries.reduce((count, mail) => (matches(mail) ? count + 1 : count), 0);
  }

  find(id: number): MailSummary | undefined {
    const mail = this.#summaries[this.#firstFrom(id)];
    return mail?.id === id ? mail : undefined;
  }

  /** The message after this one, where there is one. */
  next(id: number): MailSummary | undefined {
    return this.#summaries[this.#firstFrom(id + 1)];
  }

  /** The message as it came. Undefined where it is unknown or was removed. */
  async read(id: number): Promise<Buffer | undefined> {
    return this.find(id) === undefined ? undefined : this.#files.read(id);
  }

  /** Settles when the message is kept, or dropped. @throws where it cannot be written; then nothing of it is kept. */
  async add({ content, envelope }: Incoming): Promise<MailSummary | undefined> {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#arriving.add(id);
    try {
      const { size, head } = await this.#files.write(id, content);
      const addresses = envelope();
      if (addresses === undefined) {
        await this.#files.remove(id);
        return undefined;
      }
      const { from, to } = addresses;
      const summary: MailSummary = { id, at: Date.now(), from, to, subject: readSubject(head), size };
      await this.#files.append(segmentOf(id), summary satisfies IndexEntry);
      this.#insert(summary);
      if (id % segmentSize === 0 || this.#bytes > this.#keepBytes) this.#tidy();
      return summary;
    } catch (error) {
      await this.#files.remove(id).catch(() => undefined);
      throw error;
    } finally {
      this.#arriving.delete(id);
    }
  }

  /** Removes all messages but those that are just arriving. */
  async clear(): Promise<void> {
    const clearedTo = Math.min(this.#nextId, ...this.#arriving) - 1;
    const gone = this.#summaries.splice(0, this.#firstFrom(clearedTo + 1));
    this.#bytes -= sizeOf(gone);
    await this.#tidying;
    const last = segmentOf(clearedTo);
    for (const segment of await this.#files.segments()) {
      if (segment < last) await this.#files.removeSegment(segment);
    }
    // The folder that still fills keeps its index, which says from where on it counts.
    await this.#files.prepare(last);
    await this.#files.append(last, { clearedTo } satisfies IndexEntry);
    for (const { id } of gone) if (segmentOf(id) === last) await this.#files.remove(id);
  }

  /** Index of the first message with this id or a higher one. */
  #firstFrom(id: number): number {
    let low = 0;
    let high = this.#summaries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#summaries[middle]?.id ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Messages that arrive at the same time may end in another order than they began. */
  #insert(summary: MailSummary): void {
    this.#summaries.splice(this.#firstFrom(summary.id), 0, summary);
    this.#bytes += summary.size;
  }

  /** Removes old messages, by whole folders. Nobody waits for it, and a failure is tried again with the next. */
  #tidy(): void {
    this.#tidying ??= this.#removeOld()
      .catch(() => undefined)
      .finally(() => {
        this.#tidying = undefined;
      });
  }

  async #removeOld(): Promise<void> {
    const segments = await this.#files.segments();
    for (const segment of segments.slice(0, -1)) {
      const staying = this.#firstFrom((segment + 1) * segmentSize);
      const enough = this.#summaries.length - staying >= this.#keep;
      if (!enough && this.#bytes <= this.#keepBytes) return;
      this.#bytes -= sizeOf(this.#summaries.splice(0, staying));
      await this.#files.removeSegment(segment);
    }
  }

  async #load(): Promise<void> {
    const segments = await this.#files.segments();
    let last = 0;
    for (const segment of segments) {
      for (const entry of (await this.#files.readIndex(segment)) as IndexEntry[]) {
        if ('clearedTo' in entry) {
          this.#bytes -= sizeOf(this.#summaries.splice(0, this.#firstFrom(entry.clearedTo + 1)));
          last = Math.max(last, entry.clearedTo);
        } else {
          this.#insert(entry);
          last = Math.max(last, entry.id);
        }
      }
    }
    // A file without a line was being written when the process was killed; it was never answered for.
    for (const segment of segments.slice(-2)) {
      for (const id of await this.#files.ids(segment)) {
        last = Math.max(last, id);
        if (this.find(id) === undefined) await this.#files.remove(id);
      }
    }
    this.#nextId = last + 1;
    this.#tidy();
  }
}

function sizeOf(mails: readonly MailSummary[]): number {
  return mails.reduce((sum, mail) => sum + mail.size, 0);
}
