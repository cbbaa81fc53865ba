import { createWriteStream, rmSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { beforeSignalEnds } from './before-signal-ends.ts';

/**
 * A file that appears under its name when it is whole, and not at all where making it failed; after a kill -9 its draft
 * stays as `<file>.<process id>.part`.
 */
export interface DraftFile {
  /** Settles when more may come. */
  write(text: string): Promise<void>;
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/**
 * @param unwritable makes the error of it
 * @param mode permissions of the file
 * @throws what `unwritable` makes where it cannot be written
 */
export async function openDraft(
  path: string,
  unwritable: (why: string) => Error,
  mode = 0o666,
): Promise<DraftFile> {
  const draft = `${path}.${process.pid}.part`;
  const file = createWriteStream(draft, { flags: 'wx', mode });
  await new Promise<void>((resolve, reject) => {
    file.once('open', () => resolve());
    file.once('error', (error) => reject(unwritable(error.message)));
  });
  const withdraw = beforeSignalEnds(() => rmSync(draft, { force: true }));
  let failure: Error | undefined;
  file.on('error', (error) => {
    failure ??= unwritable(error.message);
  });
  return {
    async write(text) {
      if (failure !== undefined) throw failure;
      if (!file.write(text)) await drained(file);
    },
    async keep() {
      await new Promise<void>((resolve) => file.end(() => resolve()));
      if (failure !== undefined) throw failure;
      await rename(draft, path).catch((error: Error) => {
        throw unwritable(error.message);
      });
      withdraw();
    },
    async discard() {
      file.destroy();
      await rm(draft, { force: true });
      withdraw();
    },
  };
}

async function drained(file: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    file.once('drain', resolve);
    file.once('close', resolve);
  });
}
