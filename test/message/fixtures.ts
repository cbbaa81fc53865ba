import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeys, readKeys } from '../../src/config/keys.ts';
import type { Recipient } from '../../src/contacts/audience/recipient.ts';
import type { BodyDefinition, CampaignDefinition, FrozenContent } from '../../src/message/content.ts';
import { freezeContent } from '../../src/message/freeze/freeze-content.ts';

export const keys = readKeys(generateKeys());
export const otherKeys = readKeys(generateKeys());
export const baseUrl = 'https://mail.example.com';

export const ada: Recipient = {
  contactId: 42,
  email: 'ada@example.org',
  firstName: 'Ada',
  lastName: 'Lovelace',
  language: 'en',
  facets: { city: 'London', plan: 'gold' },
};

export function recipient(change: Partial<Recipient>): Recipient {
  return { ...ada, ...change };
}

/** A campaign of one HTML body, with whatever a test is about. */
export function definition(
  change: Partial<Omit<CampaignDefinition, 'bodies'>> & {
    html?: string;
    mjml?: string;
    subject?: string;
    text?: string;
    bodies?: CampaignDefinition['bodies'];
  } = {},
): CampaignDefinition {
  const { html, mjml, subject = 'Hello', text, bodies, ...rest } = change;
  const body: BodyDefinition = {
    subject,
    template:
      mjml === undefined
        ? { format: 'html', file: 'mail.html', source: html ?? '<html><body><p>Hello</p></body></html>' }
        : { format: 'mjml', file: 'mail.mjml', source: mjml },
    ...(text === undefined ? {} : { text, textFile: 'mail.txt' }),
  };
  return {
    name: 'Autumn',
    from: { name: 'News', address: 'news@example.com' },
    defaultLanguage: 'en',
    bodies: bodies ?? { en: body },
    include: ['customers'],
    exclude: [],
    values: {},
    pool: 'default',
    testTo: [],
    goals: [],
    notify: {},
    ...rest,
  };
}

export async function freeze(change: Parameters<typeof definition>[0] = {}): Promise<FrozenContent> {
  return (await freezeContent(definition(change), { campaignId: 'autumn-7k3f', baseUrl })).content;
}

export interface Folder {
  readonly path: string;
  write(name: string, text: string | Buffer): string;
  remove(): void;
}

export function temporaryFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'exm-message-'));
  return {
    path,
    write(name, text) {
      writeFileSync(join(path, name), text);
      return join(path, name);
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
