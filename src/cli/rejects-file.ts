import { realpath } from 'node:fs/promises';
import { csvLine } from '../contacts/import/csv-line.ts';
import type { RefusedRow } from '../contacts/import/import-row.ts';
import { InputError } from '../domain/errors.ts';
import { openDraft } from './draft-file.ts';

/** The file of refused rows: it appears under its name when the import is done, and not at all where it failed. */
export interface RejectsFile {
  add(row: RefusedRow): Promise<void>;
  keep(): Promise<void>;
  discard(): Promise<void>;
}

/** @throws InputError REJECTS_FILE where it cannot be written, or is the very file that is imported. */
export async function openRejects(path: string, input: string): Promise<RejectsFile> {
  if (await sameFile(path, input)) throw unwritable(path, 'it is the file that is imported');
  const file = await openDraft(path, (why) => unwritable(path, why));
  await file.write(csvLine(['line', 'reason', 'column', 'value', 'detail']));
  return {
    add: async ({ line, reason, column, value, detail }) =>
      await file.write(csvLine([line, reason, column, value, detail])),
    keep: async () => await file.keep(),
    discard: async () => await file.discard(),
  };
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [one, two] = await Promise.all([a, b].map((path) => realpath(path).catch(() => undefined)));
  return one !== undefined && one === two;
}

function unwritable(path: string, why: string): InputError {
  return new InputError('REJECTS_FILE', `The refused rows cannot be written to ${path}: ${why}.`, {
    field: '--rejects',
    value: path,
    hint: 'Name a file in a directory that you may write to.',
  });
}
