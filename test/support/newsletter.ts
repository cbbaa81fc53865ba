import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { stringify } from 'yaml';
import { createCampaign as storeCampaign } from '../../src/campaigns/create-campaign.ts';
import { importContacts } from '../../src/contacts/import/import-contacts.ts';
import { readCampaignFile } from '../../src/message/definition/campaign-file.ts';
import type { Installation } from './installation.ts';

/** Addresses `r1@example.com` ... in a list of this name. */
export async function importRecipients(
  installation: { readonly database: Pick<Installation['database'], 'db'> },
  count: number,
  list = 'customers',
): Promise<string[]> {
  const addresses = Array.from({ length: count }, (_, index) => `r${index + 1}@example.com`);
  const rows = addresses.map(
    (address, index) => `${address},Name${index + 1},Müller,${index % 3 === 0 ? 'de' : 'en'}\n`,
  );
  await importContacts(
    installation.database.db,
    Readable.from(['email,firstName,lastName,language\n', ...rows]),
    { list },
  );
  return addresses;
}

const template = `<html><body><h1>Hello {{ contact.firstName }}</h1>
<p>News for {{ contact.lastName }}: <a href="https://shop.example.com/offer">our offer</a></p>
<p><a href="{{ unsubscribeUrl }}">unsubscribe</a></p></body></html>`;

/** Writes the file of a campaign, as small as it may be, with what is given on top. @returns its path */
export function newsletterFile(dir: string, campaign: Record<string, unknown> = {}): string {
  const folder = join(dir, 'campaign');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'autumn.html'), template);
  const file = join(folder, 'autumn.yaml');
  const definition = {
    name: 'Autumn',
    from: 'News <news@example.com>',
    subject: 'Hello {{ contact.firstName }}',
    template: 'autumn.html',
    include: ['customers'],
    ...campaign,
  };
  writeFileSync(file, stringify(definition));
  return file;
}

/** Creates a campaign from such a file as its command does, without a process for it. @returns its id */
export async function createCampaign(
  { dir, database }: Pick<Installation, 'dir' | 'database'>,
  campaign: Record<string, unknown> = {},
): Promise<string> {
  const { definition, locate, files } = await readCampaignFile(newsletterFile(dir, campaign));
  const { id } = await storeCampaign(database.db, definition, { locate, files });
  return id;
}
