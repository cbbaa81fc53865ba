import { createConnection } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readKeys } from '../../src/config/keys.ts';
import { campaign, contact, dispatchQueue } from '../../src/db/schema.ts';
import { ReturnPaths } from '../../src/message/return-path.ts';
import { makeToken, makeTokenAndMark, returnMark } from '../../src/tracking/links/token.ts';
import { bounceDomain } from '../feedback/fixtures.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { type SilentDatabase, silentDatabase } from '../support/silent-database.ts';
import { waitFor } from '../support/wait-for.ts';

let installation: Installation;
let silent: SilentDatabase;
beforeAll(async () => {
  installation = await createInstallation({ env: { EXM_BOUNCE_DOMAIN: bounceDomain } });
  silent = await silentDatabase(installation.env['DATABASE_URL'] ?? '');
});
afterAll(async () => {
  await silent?.close();
  await installation?.dispose();
});

/** A recipient whose message was sent. */
async function recipient() {
  const { db } = installation.database;
  const keys = readKeys(installation.env);
  const [made] = await db
    .insert(campaign)
    .values({ id: 'autumn', name: 'Autumn', definition: {} })
    .returning();
  const [person] = await db
    .insert(contact)
    .values({ email: 'ann@example.org', emailKey: 'ann@example.org', addressSince: new Date(0) })
    .returning();
  const contactId = person?.id ?? 0;
  await db.insert(dispatchQueue).values({ campaignId: 'autumn', position: 1, contactId, language: 'en' });
  const payload = { campaignId: 'autumn', position: 1, contactId };
  const mark = returnMark(makeTokenAndMark(payload, keys).mark, keys);
  const bounce = new ReturnPaths(made?.number ?? 0, bounceDomain).bounce(1, mark);
  return { token: makeToken(payload, keys), bounce };
}

test('connections to the database that fell silent keep neither pages nor mail that comes back waiting', async () => {
  const { token, bounce } = await recipient();
  const env = { DATABASE_URL: silent.url };
  const [delivery, processing] = await Promise.all([
    installation.startWorker('content-delivery', ['--listen', '127.0.0.1:0'], { env }),
    installation.startWorker('processing', ['--receive', '127.0.0.1:0'], { env }),
  ]);
  const page = async () => await (await fetch(`${delivery.address}/p/${token}`)).text();
  const { hostname, port } = new URL(processing.address);
  const rcpt = async () => {
    const socket = createConnection(Number(port), hostname);
    let said = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      said += bytes.toString();
    });
    await waitFor(() => said.startsWith('220'), { describe: 'the greeting' });
    socket.write(`EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<${bounce}>\r\nQUIT\r\n`);
    await waitFor(() => /^221/m.test(said), { describe: 'the end of the conversation' });
    socket.destroy();
    return /(?:\r\n)([245]\d\d .*)\r\n221/.exec(said)?.[1] ?? said;
  };
  expect(await page()).toContain('a•••@example.org');
  expect(await rcpt()).toMatch(/^250/);

  // Each of the ten connections of a process is met by one of these.
  await Promise.all([...Array.from({ length: 12 }, page), ...Array.from({ length: 12 }, rcpt)]);
  silent.fallSilent();
  const startedAt = performance.now();
  const [pages, answers] = await Promise.all([
    Promise.all(Array.from({ length: 12 }, page)),
    Promise.all(Array.from({ length: 12 }, rcpt)),
  ]);
  expect(pages).toHaveLength(12);
  for (const answer of answers) expect(answer).toMatch(/^(?:250|451)/);
  expect(await page()).toContain('a•••@example.org');
  expect(await rcpt()).toMatch(/^250/);
  expect(performance.now() - startedAt).toBeLessThan(30_000);
});
