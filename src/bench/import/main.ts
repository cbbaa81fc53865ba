import { importContacts } from '../../contacts/import/import-contacts.ts';
import { closeDatabase, connectDatabase } from '../../db/connect.ts';
import type { ImportDone, ImportWanted } from './wanted.ts';

/** `exm contact import` as a process of its own: one file, and then what that took. */
process.once('message', async ({ url, file, list }: ImportWanted) => {
  const db = connectDatabase(url, { applicationName: 'exm bench import', max: 1 });
  const { imported } = await importContacts(db, file, { list });
  await closeDatabase(db);
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const done: ImportDone = {
    imported,
    peakBytes: maxRSS * 1_024,
    cpuMs: (userCPUTime + systemCPUTime) / 1_000,
  };
  process.send?.(done, () => process.disconnect());
});
