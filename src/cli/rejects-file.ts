import { createWriteStream, rmSync } from 'node:fs';
import { realpath, rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { RefusedRow } from '../contacts/import-row.ts';
import { InputError } from '../domain/errors.ts';
import { beforeSignalEnds } from './before-signal-ends.ts';

/**
 * The file of refused rows. It appears under its name when the import is done, and not at all where it failed; after a
 * kill -9 its draft stays as `<file>.<process id>.part`.
 */
export interface RejectsFile {
  add(row: RefusedRow): Promise<void>;
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/** @throws InputError REJECTS_FILE where it cannot be written, or is the very file that is imported. */
export async function openRejects(path: string, input: string): Promise<RejectsFile> {
  if (await sameFile(path, input)) throw unwritable(path, 'it is the file that is imported');
  const draft = `${path}.${process.pid}.part`;
  const file = createWriteStream(draft, { flags: 'wx' });
  await new Promise<void>((resolve, reject) => {
    file.once('open', () => resolve());
    file.once('error', (error) => reject(unwritable(path, error.message)));
  });
  const withdraw = beforeSignalEnds(() => rmSync(draft, { force: true }));
  let failure: Error | undefined;
  file.on('error', (error) => {
    failure ??= unwritable(path, error.message);
  });
  const write = async (fields: readonly (string | number)[]) => {
    if (failure !== undefined) throw failure;
    if (!file.write(`${fields.map(csvField).join(',')}\n`)) await drained(file);
  };
  await write(['line', 'reason', 'column', 'value', 'detail']);
  return {
    async add({ line, reason, column, value, detail }) {
      await write([line, reason, column, value, detail]);
    },
    async keep() {
      await new Promise<void>((resolve) => file.end(() => resolve()));
      if (failure !== undefined) throw failure;
      await rename(draft, path);
      withdraw();
    },
    async discard() {
      file.destroy();
      await rm(draft, { force: true });
      withdraw();
    },
  };
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [one, two] = await Promise.all([a, b].map((path) => realpath(path).catch(() => undefined)));
  return one !== undefined && one === two;
}

async function drained(file: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    file.once('drain', resolve);
    file.once('close', resolve);
  });
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function unwritable(path: string, why: string): InputError {
  return new InputError('REJECTS_FILE', `The refused rows cannot be written to ${path}: ${why}.`, {
    field: '--rejects',
    value: path,
    hint: 'Name a file in a directory that you may write to.',
  });
}
