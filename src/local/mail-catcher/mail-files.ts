import { appendFile, mkdir, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** Messages per folder, and the step in which old ones are removed. */
export const segmentSize = 1_000;
/** A message stays in memory while it arrives, unless it is longer. */
const memoryLimitBytes = 256 * 1024;
const indexName = 'index.jsonl';

export function segmentOf(id: number): number {
  return Math.floor(id / segmentSize);
}

interface WaitingLine {
  readonly segment: number;
  readonly text: string;
  readonly written: (error?: unknown) => void;
}

/** Messages as .eml files, a thousand to a folder ("segment"), and beside them an index of one JSON line each. */
export class MailFiles {
  readonly #dir: string;
  #waiting: WaitingLine[] = [];
  #appending: Promise<void> | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async prepare(segment?: number): Promise<void> {
    await mkdir(segment === undefined ? this.#dir : this.#folder(segment), { recursive: true, mode: 0o700 });
  }

  /** Ascending. */
  async segments(): Promise<number[]> {
    const names = await readdir(this.#dir);
    return names
      .filter((name) => /^\d{7}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** Ids of the files of a segment, with or without a line in the index. */
  async ids(segment: number): Promise<number[]> {
    const names = await readdir(this.#folder(segment));
    return names.filter((name) => /^\d+\.eml$/.test(name)).map((name) => Number.parseInt(name, 10));
  }

  /** The index of a segment. A line cut off by a kill in the middle of a write is left out. */
  async readIndex(segment: number): Promise<unknown[]> {
    const text = await readFile(this.#index(segment), 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line)];
      } catch {
        return [];
      }
    });
  }

  async read(id: number): Promise<Buffer | undefined> {
    try {
      return await readFile(this.#file(id));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(id: number): Promise<void> {
    await rm(this.#file(id), { force: true });
  }

  async removeSegment(segment: number): Promise<void> {
    await rm(this.#folder(segment), { recursive: true, force: true });
  }

  /** Writes what comes from `content`. Returns its size, and its beginning with the header. */
  async write(id: number, content: Readable): Promise<{ size: number; head: Buffer }> {
    const chunks: Buffer[] = [];
    let size = 0;
    let head: Buffer | undefined;
    let handle: Awaited<ReturnType<typeof open>> | undefined;
    try {
      for await (const chunk of content as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (handle !== undefined) {
          await handle.write(chunk);
          continue;
        }
        chunks.push(chunk);
        if (size <= memoryLimitBytes) continue;
        head = Buffer.concat(chunks.splice(0));
        handle = await this.#create(id);
        await handle.write(head);
      }
      if (handle === undefined) {
        head = Buffer.concat(chunks);
        handle = await this.#create(id);
        await handle.write(head);
      }
      return { size, head: head ?? Buffer.alloc(0) };
    } finally {
      await handle?.close();
    }
  }

  /** Adds a line to a segment's index. Lines that come while one write is under way go out together with the next one. */
  append(segment: number, entry: unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      const written = (error?: unknown) => (error === undefined ? resolve() : reject(error));
      this.#waiting.push({ segment, text: `${JSON.stringify(entry)}\n`, written });
      this.#appending ??= this.#appendWaiting().finally(() => {
        this.#appending = undefined;
      });
    });
  }

  async #appendWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      for (const segment of new Set(lines.map((line) => line.segment))) {
        const own = lines.filter((line) => line.segment === segment);
        const text = own.map((line) => line.text).join('');
        const failure = await appendFile(this.#index(segment), text, { mode: 0o600 }).then(
          () => undefined,
          (error: unknown) => error,
        );
        for (const line of own) line.written(failure);
      }
    }
  }

  async #create(id: number) {
    try {
      return await open(this.#file(id), 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await this.prepare(segmentOf(id));
      return open(this.#file(id), 'wx', 0o600);
    }
  }

  #folder(segment: number): string {
    return join(this.#dir, String(segment).padStart(7, '0'));
  }

  #index(segment: number): string {
    return join(this.#folder(segment), indexName);
  }

  #file(id: number): string {
    return join(this.#folder(segmentOf(id)), `${id}.eml`);
  }
}
