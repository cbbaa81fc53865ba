import { closeDatabase, connectDatabase } from '../../src/db/connect.ts';
import type { Installation } from './installation.ts';
import { createCampaign, importRecipients } from './newsletter.ts';
import { exmIn, type UpProcess } from './up-process.ts';

/** Imports recipients and starts a campaign on what `exm up` started in a folder. @returns the campaign's id */
export async function startCampaignOn(up: UpProcess, dir: string, recipients: number): Promise<string> {
  const db = connectDatabase(up.env()['DATABASE_URL'] ?? '', { applicationName: 'test', max: 1 });
  try {
    await importRecipients({ database: { db } }, recipients);
  } finally {
    await closeDatabase(db);
  }
  const exm: Installation['exm'] = async (args) => await exmIn(dir, args);
  const id = await createCampaign({ dir, exm });
  const started = await exmIn(dir, ['campaign', 'start', id, '--json']);
  if (started.code !== 0) throw new Error(`the campaign did not start: ${started.stderr}`);
  return id;
}
