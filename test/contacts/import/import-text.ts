import { Readable } from 'node:stream';
import {
  type ImportOptions,
  type ImportReport,
  importContacts,
} from '../../../src/contacts/import/import-contacts.ts';
import type { Database } from '../../../src/db/connect.ts';

let lists = 0;
export const newListName = () => `list ${++lists}`;

/** Imports a file's content, into a list of its own where none is named. */
export function importText(
  db: Database,
  text: string | Buffer,
  options: Partial<ImportOptions> = {},
): Promise<ImportReport> {
  return importContacts(db, Readable.from([Buffer.from(text)]), { list: newListName(), ...options });
}
