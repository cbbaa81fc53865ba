import { closeDatabase, connectDatabase } from '../../src/db/connect.ts';
import { importRecipients, newsletterFile } from './newsletter.ts';
import { exmIn, type UpProcess } from './up-process.ts';

/** Imports recipients and starts a campaign on what `exm up` started in a folder. @returns the campaign's id */
export async function startCampaignOn(up: UpProcess, dir: string, recipients: number): Promise<string> {
  const db = connectDatabase(up.env()['DATABASE_URL'] ?? '', { applicationName: 'test', max: 1 });
  try {
    await importRecipients({ database: { db } }, recipients);
  } finally {
    await closeDatabase(db);
  }
  const created = await exmIn(dir, ['campaign', 'create', newsletterFile(dir), '--json']);
  const id = String(created.json().id);
  const started = await exmIn(dir, ['campaign', 'start', id, '--json']);
  if (started.code !== 0) throw new Error(`the campaign did not start: ${started.stderr}`);
  return id;
}
