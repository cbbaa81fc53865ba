import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Database } from '../db/connect.ts';
import { isTransient } from '../db/transient.ts';
import { messageOf } from '../domain/error-message.ts';
import { LastingTrouble } from '../lasting-trouble.ts';
import { makeFolder } from '../local/make-folder.ts';
import type { Logger } from '../logging.ts';
import { type UnsubscribeScope, unsubscribe } from './unsubscribe.ts';

/** Files that wait at the most: some 40 MB of disk. */
const keptMaximum = 10_000;
/** How often what waits is tried again, and the folder is looked into. Milliseconds. */
const retryIntervalMs = 2_000;
const suffix = '.unsubscribe.json';

const keptSchema = z.object({
  campaignId: z.string().min(1).max(100),
  position: z.int().min(1),
  contactId: z.int().min(1),
  scope: z.enum(['all', 'lists']),
  userAgent: z.string().max(1_000),
  at: z.iso.datetime(),
});
export type KeptUnsubscribe = z.infer<typeof keptSchema>;

export interface KeptUnsubscribesOptions {
  /** Folder of this host; processes may share it. Made where it is missing. */
  readonly dir: string;
  readonly db: Database;
  readonly log: Logger;
  /** Default 2000. */
  readonly retryIntervalMs?: number;
}

/**
 * What people wanted to stop while the database was away, on disk, until it is back: they are asked to try again, and need not.
 * One file each, without an address, forced to the disk. Any process of this host enters what any other has left, for
 * doing it twice is as once.
 */
export class KeptUnsubscribes {
  readonly #options: KeptUnsubscribesOptions;
  /** Files there are, as far as this process knows. */
  #count = 0;
  readonly #trouble: LastingTrouble;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: KeptUnsubscribesOptions) {
    this.#options = options;
    this.#trouble = new LastingTrouble(
      options.log,
      'unsubscribes on disk could not be entered, or not be removed then',
      'all unsubscribes on disk are in force',
    );
  }

  /** Looks from now on for what can be entered. */
  watch(): void {
    const { retryIntervalMs: interval = retryIntervalMs } = this.#options;
    this.#timer = setInterval(() => void this.enter(), interval).unref();
    void this.enter();
  }

  /** Settles when it is on the disk. @returns false where it is not: it cannot be written, or too many wait already. */
  async keep(wanted: Omit<KeptUnsubscribe, 'at'>): Promise<boolean> {
    const { dir, log } = this.#options;
    if (this.#count >= keptMaximum) return false;
    const path = join(dir, `${randomUUID()}${suffix}`);
    const line = JSON.stringify({ ...wanted, at: new Date().toISOString() } satisfies KeptUnsubscribe);
    this.#count++;
    try {
      makeFolder(dir, 0o700);
      const file = await open(`${path}.new`, 'wx', 0o600);
      try {
        await file.writeFile(line);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
      await syncFolder(dir);
      return true;
    } catch (error) {
      this.#count--;
      // What a full disk took of it would only make it fuller.
      await rm(`${path}.new`, { force: true }).catch(() => undefined);
      log.error({ err: messageOf(error) }, 'an unsubscribe could not be kept on disk');
      return false;
    }
  }

  /** Enters what waits, as far as the database takes it. */
  async enter(): Promise<void> {
    this.#running ??= this.#enterAll().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** Ends watching. What waits stays on disk for the next process. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #enterAll(): Promise<void> {
    const { dir, log } = this.#options;
    const errors: unknown[] = [];
    const names = await readdir(dir).catch((error) => {
      if (!isMissing(error)) errors.push(error);
      return [] as string[];
    });
    const waiting = names.filter((name) => name.endsWith(suffix)).map((name) => join(dir, name));
    this.#count = waiting.length;
    let entered = 0;
    for (const path of waiting) {
      try {
        if (await this.#enterOne(path)) entered++;
        this.#count--;
      } catch (error) {
        errors.push(error);
        // The others would fare the same. What is wrong with one file alone holds up no other.
        if (isTransient(error)) break;
      }
    }
    if (errors.length > 0) this.#trouble.met({ err: messageOf(errors[0]), waiting: this.#count });
    else this.#trouble.ended();
    if (entered > 0) log.info({ entered }, 'unsubscribes that were kept on disk are in force');
  }

  async #enterOne(path: string): Promise<boolean> {
    const text = await readFile(path, 'utf8').catch((error) => {
      if (!isMissing(error)) throw error;
      return undefined;
    });
    // Another process was first.
    if (text === undefined) return false;
    const kept = readKept(text);
    if (kept === undefined) {
      this.#options.log.error({ path }, 'a kept unsubscribe cannot be read; it is put aside');
      await rename(path, `${path}.aside`).catch(() => undefined);
      return false;
    }
    const { scope, userAgent, at, ...payload } = kept;
    const enter = async (as: UnsubscribeScope) =>
      await unsubscribe(this.#options.db, payload, as, userAgent, new Date(at));
    // Where the campaign was deleted meanwhile nobody knows what its lists were, and the person was told that it is kept.
    if ((await enter(scope)).result === 'no-lists') await enter('all');
    await rm(path, { force: true });
    return true;
  }
}

/** Forces the names in a folder to the disk: without it a file may be gone after a power failure. */
async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isMissing(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ENOENT';
}

function readKept(text: string): KeptUnsubscribe | undefined {
  try {
    return keptSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
