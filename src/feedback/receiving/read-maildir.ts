import { constants, mkdir, open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../../db/connect.ts';
import { messageOf } from '../../domain/error-message.ts';
import type { Logger } from '../../logging.ts';
import { deliveredTo } from '../reading/delivered-to.ts';
import { messageMaximum, storeFeedback } from './store-feedback.ts';

export interface MaildirOptions {
  /** The folder that has `new` and `cur`. */
  readonly path: string;
  readonly db: Database;
  readonly log: Logger;
  readonly stop: AbortSignal;
  /** Pause before `new` is looked into again. Milliseconds. */
  readonly pauseMs?: number;
}

const defaultPauseMs = 5_000;

/**
 * Takes messages out of a Maildir, for as long as the worker lives: each is stored, then moved from `new` to `cur`. Who is
 * killed in between finds it again, and it is stored once. Several processes may read the same one.
 */
export async function readMaildir(options: MaildirOptions): Promise<void> {
  const { stop, log, path, pauseMs = defaultPauseMs } = options;
  let isTold = false;
  while (!stop.aborted) {
    try {
      await takeNew(options);
      isTold = false;
    } catch (error) {
      if (!isTold)
        log.warn({ err: messageOf(error), maildir: path }, 'the Maildir cannot be read; trying again');
      isTold = true;
    }
    await pause(pauseMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

/**
 * A file that cannot be read or moved holds up no other: all are tried, again and again.
 *
 * @returns how many were stored that were not there before
 * @throws the database's error at once; else the first error, when all were tried
 */
export async function takeNew({ path, db, log, stop }: MaildirOptions): Promise<number> {
  await mkdir(join(path, 'cur'), { recursive: true });
  const names = (await readdir(join(path, 'new'))).filter((name) => !name.startsWith('.')).sort();
  const errors: unknown[] = [];
  const note = (error: unknown) => void errors.push(error);
  let stored = 0;
  for (const name of names) {
    if (stop.aborted) break;
    const file = join(path, 'new', name);
    const raw = await readFile(file).catch(note);
    if (raw === undefined) continue;
    const isEmpty = raw.length === 0;
    const envelope = { envelopeFrom: '', envelopeTo: deliveredTo(raw) };
    if (!isEmpty && (await storeFeedback(db, { source: 'maildir', ...envelope, raw }))) stored++;
    // The flag S (seen), which other readers of it understand.
    await rename(file, join(path, 'cur', `${name.replace(/:2,.*$/, '')}:2,S`))
      .catch(ignoreMissing)
      .catch(note);
  }
  if (stored > 0) log.info({ stored, maildir: path }, 'messages that came back were taken from the Maildir');
  if (errors.length > 0) throw errors[0];
  return stored;
}

/** Of a message that is larger than what is taken, the beginning: what it is about stands there. Undefined: another took it. */
async function readFile(file: string): Promise<Buffer | undefined> {
  try {
    // A pipe that somebody left there would be waited for else.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) return undefined;
      const memory = Buffer.alloc(messageMaximum);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(memory, length, memory.length - length);
        length += bytesRead;
        if (bytesRead === 0 || length === memory.length) return Buffer.from(memory.subarray(0, length));
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    ignoreMissing(error as NodeJS.ErrnoException);
    return undefined;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
