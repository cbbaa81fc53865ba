import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, expect, test } from 'vitest';
import { feedback } from '../../src/db/schema.ts';
import { packagePath } from '../../src/package-path.ts';
import { bounceDomain, queuedFor } from '../feedback/fixtures.ts';
import { startedReceiver } from '../feedback/started-receiver.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { debianPrograms } from '../support/mail-transfer/debian-programs.ts';
import { postfixWanted, startPostfixWith } from '../support/mail-transfer/postfix.ts';
import { ownPorts } from '../support/ports.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();
const closers = useClosers();
const home = mkdtempSync(join(tmpdir(), 'exm-front-'));
chmodSync(home, 0o755);
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** What docs/feedback.md tells people to write into their main.cf, with the domain and port of this test. */
function documentedSettings(port: number): string {
  const page = readFileSync(packagePath('docs/feedback.md'), 'utf8');
  const [, settings = ''] = /^```\n# main\.cf\n(.*?)^```/ms.exec(page) ?? [];
  expect(settings).toContain('{bounces.example.com = smtp:[127.0.0.1]:2525}');
  return settings
    .replaceAll('bounces.example.com', bounceDomain)
    .replace('[127.0.0.1]:2525', `[127.0.0.1]:${port}`);
}

const { root, missing } = debianPrograms(postfixWanted, mkdtempSync(join(home, 'programs-')));

test.skipIf(root === undefined)(
  `a Postfix that is set up as documented hands on what comes back, and refuses all else by itself${missing ? `: ${missing}` : ''}`,
  async () => {
    const { of } = await queuedFor(database.db, 1);
    const receiver = await startedReceiver(database.db, closers);
    const [port = 0] = await ownPorts(1);
    const folder = mkdtempSync(join(home, 'front-'));
    // The client of this test is a stranger to it.
    const settings = `mynetworks = 192.0.2.0/24\n${documentedSettings(receiver.port)}`;
    closers.push(await startPostfixWith(root ?? '', { folder, port }, settings));

    const stranger = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
    const comesBack = async (to: string) =>
      await stranger.sendMail({
        envelope: { from: '', to },
        from: 'MAILER-DAEMON <postmaster@example.org>',
        to,
        subject: 'Undelivered mail',
        text: 'It could not be delivered.',
      });

    await comesBack(of(1).bounce);
    const rows = await waitFor(
      async () => {
        const received = await database.db.select().from(feedback);
        return received.length > 0 ? received : undefined;
      },
      { timeoutMs: 120_000, describe: () => readFileSync(join(folder, 'mail.log'), 'utf8') },
    );
    expect(rows.map(({ envelopeTo }) => envelopeTo.toLowerCase())).toEqual([of(1).bounce]);

    const made = of(1).bounce.replace(/.@/, (last) => (last === 'a@' ? 'b@' : 'a@'));
    await expect(comesBack(made)).rejects.toMatchObject({ command: 'RCPT TO', responseCode: 550 });
    // Mail for others is not relayed: whether by 454 or 554 is for Postfix to say.
    await expect(comesBack('someone@example.org')).rejects.toMatchObject({
      command: 'RCPT TO',
      response: expect.stringContaining('Relay access denied'),
    });
    expect(await database.db.select().from(feedback)).toHaveLength(1);
  },
);
