import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { campaignPreviewCommand } from '../../src/cli/campaign-preview.ts';
import { campaignShowCommand } from '../../src/cli/campaign-show.ts';
import { previewName } from '../../src/cli/preview-files.ts';
import { generateKeys } from '../../src/config/keys.ts';
import { campaign, contentFile } from '../../src/db/schema.ts';
import { fileHash } from '../../src/message/content-files.ts';
import { fileReference } from '../../src/message/definition/campaign-files.ts';
import { insertCampaign, insertContacts } from '../contacts/fixtures.ts';
import { definition, type Folder, temporaryFolder } from '../message/fixtures.ts';
import { png } from '../message/images.ts';
import { useTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();
let folder: Folder;
let id: string;
beforeAll(async () => {
  await insertContacts(database.db, [{ email: "o'neil+x/y@example.org", firstName: 'Zoë' }]);
  id = await insertCampaign(database.db, {});
  const html = '<p>Hello {{ contact.firstName }} <a href="https://shop.example/">shop</a></p>';
  await database.db
    .update(campaign)
    .set({ definition: definition({ html }) })
    .where(eq(campaign.id, id));
  folder = temporaryFolder();
  for (const [name, value] of Object.entries({
    DATABASE_URL: database.url,
    EXM_BASE_URL: 'https://mail.example.com',
    ...generateKeys(),
  })) {
    vi.stubEnv(name, value);
  }
});
afterAll(async () => {
  vi.unstubAllEnvs();
  folder.remove();
});

async function run(command: ReturnType<typeof campaignPreviewCommand>, ...args: string[]) {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      written[stream] += String(chunk);
      return true;
    }),
  );
  process.exitCode = undefined;
  try {
    await command.parseAsync(['--data-dir', join(folder.path, 'data'), ...args], { from: 'user' });
    return { ...written, code: process.exitCode ?? 0 };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}
const preview = (out: string, ...flags: string[]) =>
  run(
    campaignPreviewCommand(),
    id,
    '--contact',
    "o'neil+x/y@example.org",
    '--out',
    join(folder.path, out),
    ...flags,
  );

describe('exm campaign preview', () => {
  test('writes the message as three files that only their owner can read, and prints where', async () => {
    const { code, stdout, stderr } = await preview('a');
    expect(code).toBe(0);
    const name = `${id}-o_neil+x_y@example.org`;
    const paths = ['eml', 'html', 'txt'].map((ending) => join(folder.path, 'a', `${name}.${ending}`));
    expect(stdout).toBe(`${paths.join('\n')}\n`);
    expect(stderr).toContain('not queued, not frozen yet');
    expect(readdirSync(join(folder.path, 'a'))).toHaveLength(3);
    for (const path of paths) expect(statSync(path).mode & 0o777).toBe(0o600);
    const [eml = '', html = '', txt = ''] = paths;
    const parsed = await PostalMime.parse(readFileSync(eml));
    expect(readFileSync(html, 'utf8')).toBe(`\ufeff${parsed.html}`);
    expect(parsed.html).toContain('Hello Zoë');
    expect(readFileSync(txt, 'utf8')).toBe(parsed.text);
  });

  test('replaces nothing unless it is told to', async () => {
    mkdirSync(join(folder.path, 'b'));
    await preview('b');
    const again = await preview('b', '--json');
    expect(again.code).toBe(2);
    expect(JSON.parse(again.stdout).error).toMatchObject({ code: 'PREVIEW_EXISTS', field: '--out' });
    expect((await preview('b', '--force')).code).toBe(0);
    const other = await preview('b', '--language', 'en', '--variant', 'A', '--json');
    expect(other.code).toBe(0);
    expect(JSON.parse(other.stdout)).toMatchObject({
      variant: 'A',
      language: 'en',
      queuedAt: null,
      isFrozen: false,
      files: { eml: join(folder.path, 'b', `${id}-o_neil+x_y@example.org-A-en.eml`) },
    });
  });

  test('has the embedded images in its HTML, so that a browser shows them', async () => {
    const { db } = database;
    await db
      .insert(contentFile)
      .values({ hash: fileHash(png), bytes: png })
      .onConflictDoNothing();
    const images = { 'logo.png': fileReference('logo.png', png) };
    const withImage = await insertCampaign(db, {});
    await db
      .update(campaign)
      .set({ definition: definition({ html: '<img src="logo.png">', images, embedImages: true }) })
      .where(eq(campaign.id, withImage));
    const out = join(folder.path, 'e');
    const { stdout } = await run(
      campaignPreviewCommand(),
      ...[withImage, '--contact', "o'neil+x/y@example.org", '--out', out],
    );
    const [eml = '', html = ''] = stdout.trim().split('\n');
    expect(readFileSync(eml, 'utf8')).toMatch(/src=3D"cid:[^"]+/);
    expect(readFileSync(html, 'utf8')).toContain(`src="data:image/png;base64,${png.toString('base64')}"`);
  });

  test('says where it cannot write', async () => {
    writeFileSync(join(folder.path, 'file'), '');
    const { code, stderr } = await preview('file/x');
    expect(code).toBe(2);
    expect(stderr).toContain('PREVIEW_FILE');
  });

  test('opens the HTML where there is a display, and says how where there is none', async () => {
    vi.stubEnv('DISPLAY', undefined);
    vi.stubEnv('WAYLAND_DISPLAY', undefined);
    const { stderr } = await preview('c', '--open');
    expect(stderr).toMatch(/Not opened, for there is no display here: open .*\.html in a browser/);
    const opened = join(folder.path, 'opened');
    writeFileSync(join(folder.path, 'xdg-open'), `#!/bin/sh\necho "$1" > "${opened}"\n`, { mode: 0o755 });
    vi.stubEnv('DISPLAY', ':0');
    vi.stubEnv('PATH', `${folder.path}:${process.env['PATH']}`);
    expect((await preview('d', '--open')).stderr).not.toContain('Not opened');
    await waitFor(() => existsSync(opened) && readFileSync(opened, 'utf8').endsWith('.html\n'));
    vi.stubEnv('PATH', folder.path);
  });

  test('cannot be asked for exactly and for another variant or language', async () => {
    const command = campaignPreviewCommand().exitOverride();
    await expect(run(command, id, '--contact', 'a@b.org', '--exact', '--language', 'de')).rejects.toThrow(
      /cannot be used with option/,
    );
  });
});

test('file names of previews are safe on every system', () => {
  expect(previewName('a-1', '../../etc/passwd@x.org')).toBe('a-1-.._.._etc_passwd@x.org');
  expect(previewName('a-1', 'x:y|z?@münchen.de')).toBe('a-1-x_y_z_@m_nchen.de');
  expect(previewName('a-1', `${'x'.repeat(300)}@x.org`)).toHaveLength(150);
});

test('exm campaign show prints one JSON object with what the campaign is', async () => {
  const { code, stdout } = await run(campaignShowCommand(), id, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    id,
    bodies: [{ language: 'en', mode: 'token-replacement', because: [] }],
    links: [{ number: 0, url: 'https://shop.example/' }],
  });
});
