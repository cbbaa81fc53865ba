import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { campaignCreateCommand } from '../../src/cli/campaign-create.ts';
import { generateKeys } from '../../src/config/keys.ts';
import { campaign, contact, contactList, listMember } from '../../src/db/schema.ts';
import { type Folder, temporaryFolder } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const file = `name: Autumn
from: "News <news@example.com>"
subject: "Hello {{ contact.firstName }}"
template: autumn.mjml
include: [customers]
exclude: []
`;

const database = useTestDatabase();
let folder: Folder;
beforeAll(async () => {
  const { db } = database;
  const [list] = await db.insert(contactList).values({ name: 'customers' }).returning();
  const people = await db
    .insert(contact)
    .values([
      { email: 'ada@example.org', emailKey: 'ada@example.org' },
      { email: 'bob@example.org', emailKey: 'bob@example.org', doNotMarket: true },
    ])
    .returning();
  await db.insert(listMember).values(people.map(({ id }) => ({ listId: list?.id ?? 0, contactId: id })));
  folder = temporaryFolder();
  mkdirSync(join(folder.path, 'data'));
  const settings = {
    DATABASE_URL: database.url,
    EXM_BASE_URL: 'https://mail.example.com',
    ...generateKeys(),
  };
  folder.write(
    'data/env',
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  folder.write(
    'autumn.mjml',
    '<mjml><mj-body><mj-section><mj-column><mj-text>Hi <a href="{{ unsubscribeUrl }}">u</a></mj-text></mj-column></mj-section></mj-body></mjml>',
  );
});
beforeEach(() => {
  for (const name of ['DATABASE_URL', 'EXM_BASE_URL']) vi.stubEnv(name, undefined);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  folder.remove();
});

async function run(yaml: string, ...flags: string[]) {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  process.exitCode = undefined;
  try {
    const path = folder.write('campaign.yaml', yaml);
    await campaignCreateCommand().parseAsync([path, '--data-dir', join(folder.path, 'data'), ...flags], {
      from: 'user',
    });
    return { ...written, code: process.exitCode ?? 0 };
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}

const countCampaigns = async () =>
  (await database.db.select({ n: sql<number>`count(*)::int` }).from(campaign))[0]?.n;

describe('exm campaign create', () => {
  test('prints the id, and only the id, on stdout', async () => {
    const { stdout, stderr, code } = await run(file);
    expect(stdout).toMatch(/^autumn-[0-9a-z]{4}\n$/);
    expect(stderr).toBe('Created "Autumn" (en) to customers: 1 person as of now.\n');
    expect(code).toBe(0);
  });

  test('prints one JSON object with --json', async () => {
    const { stdout } = await run(`${file}bodies: {de: {subject: Hallo}}\n`, '--json');
    expect(JSON.parse(stdout)).toEqual({
      id: expect.stringMatching(/^autumn-/),
      name: 'Autumn',
      languages: ['de', 'en'],
      include: ['customers'],
      exclude: [],
      audience: { queued: 1, excluded: { 'do-not-market': 1 } },
      warnings: [],
    });
  });

  test.each([
    [
      'a mistake in the file',
      file.replace('subject:', 'subjct:'),
      /campaign\.yaml:3:1: "subjct" is not a key of a campaign file\. Did you mean "subject"\?/,
      'CAMPAIGN_KEY',
    ],
    [
      'a template that does not exist',
      file.replace('autumn.mjml', 'none.mjml'),
      /campaign\.yaml:4:11: template: the file none\.mjml does not exist/,
      'TEMPLATE_FILE',
    ],
    [
      'a list that does not exist',
      file.replace('[customers]', '[customer]'),
      /campaign\.yaml:5:11: there is no list "customer"\. Did you mean "customers"\?/,
      'LIST_UNKNOWN',
    ],
    [
      'a token that does not exist',
      file.replace('firstName', 'firstnam'),
      /campaign\.yaml:3:10: there is no token \{\{ contact\.firstnam \}\} \(character 10 of the subject\)\. Did you mean "firstName"/,
      'TEMPLATE_TOKEN',
    ],
  ])('answers %s with its place and exit code 2, and stores nothing', async (_what, yaml, message, code) => {
    const before = await countCampaigns();
    const text = await run(yaml);
    expect(text.code).toBe(2);
    expect(text.stderr).toContain(code);
    expect(text.stdout).toBe('');
    const json = JSON.parse((await run(yaml, '--json')).stdout) as {
      error: { code: string; message: string };
    };
    expect(json.error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await countCampaigns()).toBe(before);
  });

  test('shows an example with --help', () => {
    let help = '';
    campaignCreateCommand()
      .configureOutput({
        writeOut: (text) => {
          help += text;
        },
      })
      .outputHelp();
    expect(help).toContain('exm campaign create autumn.yaml');
    expect(help).toContain('--json');
  });
});
