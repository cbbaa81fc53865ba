import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listServers } from '../../src/db/list-servers.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { campaign, server } from '../../src/db/schema.ts';
import { storageRefused } from '../../src/db/storage-refused.ts';
import { receivedBy } from '../support/campaign-fixture.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { type DiskKind, diskKinds, type SmallDisk } from '../support/small-disk.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const recipients = 1_500;

describe.each(diskKinds)('a database that has no room: $name', (kind: DiskKind) => {
  const missing = kind.missing();
  let disk: SmallDisk;
  let installation: Installation;
  let receiver: SmtpReceiver;

  beforeAll(async () => {
    if (missing !== undefined) return;
    disk = await kind.make();
    receiver = await startSmtpReceiver();
    const { postgresUrl } = disk;
    installation = await createInstallation({ smtpUrl: receiver.url, content: 'empty', postgresUrl });
    const { db } = installation.database;
    await migrateDatabase(db);
    await disk.keep(db, ['dispatch_outcome', 'dispatch_queue']);
    await importRecipients(installation, recipients);
    const dispatcher = ['--threads', '5', '--name'];
    await Promise.all([
      installation.startWorker('primary', ['--no-dispatch']),
      installation.startWorker('content-delivery', [
        '--listen',
        new URL(installation.env['EXM_BASE_URL'] ?? '').host,
      ]),
      installation.startWorker('dedicated-dispatch', [...dispatcher, 'd1']),
      installation.startWorker('dedicated-dispatch', [...dispatcher, 'd2']),
    ]);
  });
  afterAll(async () => {
    try {
      await disk?.free();
    } finally {
      // Whatever became of the disk, no process is left behind.
      await installation?.dispose();
      await receiver?.close();
      await disk?.close();
    }
  });

  /** Slow enough that many are left when the disk is full; fast where the end is waited for. */
  const sleepOf = async (sleepMs: number) => await installation.database.db.update(server).set({ sleepMs });
  const exm = async (...args: string[]) => (await installation.exm([...args, '--json'])).json();
  const status = async (id: string) => await exm('campaign', 'status', id);
  const untilPaused = async (id: string) =>
    await waitFor(
      async () => {
        const seen = await status(id);
        return seen.subState === 'Paused' && seen;
      },
      { describe: 'the campaign to be paused' },
    );
  const health = async () => {
    const { servers } = await listServers(installation.database.db, { all: false });
    return servers.filter(({ threads }) => threads > 0).map((server) => server.health);
  };

  test('pauses the campaign with the reason, keeps what was sent, and repeats and misses nobody', async (context) => {
    if (missing !== undefined) return context.skip(missing);
    await sleepOf(80);
    const id = await createCampaign(installation);
    await exm('campaign', 'start', id);
    await receiver.waitFor(200);
    await disk.fill();

    const { reason } = await untilPaused(id);
    expect(reason).toMatch(/The database cannot store anything: .*DATABASE_STORAGE/);
    expect(reason).toMatch(kind.words);
    await waitFor(async () => (await health()).some((text) => kind.words.test(text)), {
      describe: 'a server to say what is wrong',
    });
    // Resumed too early it is paused again, for the same reason.
    await exm('campaign', 'resume', id);
    expect((await untilPaused(id)).reason).toMatch(kind.words);

    await disk.free();
    await waitFor(async () => (await status(id)).totals.sent === receiver.messages.length, {
      describe: 'what was sent to be recorded',
    });
    await waitFor(async () => (await health()).every((text) => text === 'ok'), {
      describe: 'the servers to be well again',
    });
    await sleepOf(0);
    await exm('campaign', 'resume', id);
    expect(await exm('campaign', 'watch', id)).toMatchObject({
      state: 'Sent',
      totals: { queued: recipients, sent: recipients },
    });
    expect(new Set(receivedBy(receiver)).size).toBe(recipients);
    expect(receiver.messages).toHaveLength(recipients);
  });

  test('holds a campaign that cannot be queued with the step and the reason', async (context) => {
    if (missing !== undefined) return context.skip(missing);
    const id = await createCampaign(installation);
    await disk.fill();
    await exm('campaign', 'start', id);
    const { reason } = await untilPaused(id);
    expect(reason).toMatch(/^QueueMessage: The database cannot store anything: /);
    expect(reason).toMatch(kind.words);
    await disk.free();
    receiver.messages.length = 0;
    await exm('campaign', 'resume', id);
    expect(await exm('campaign', 'watch', id)).toMatchObject({
      state: 'Sent',
      totals: { queued: recipients, sent: recipients },
    });
    expect(receiver.messages).toHaveLength(recipients);
  });

  test('says so even where the word itself cannot be stored, and stores it when it can', async (context) => {
    if (missing !== undefined) return context.skip(missing);
    if (!kind.canMove) return context.skip('only one table is long enough here');
    const { db } = installation.database;
    await disk.keep(db, ['campaign_audit']);
    const id = await createCampaign(installation);
    receiver.messages.length = 0;
    await sleepOf(80);
    await exm('campaign', 'start', id);
    const watching = installation.exm(['campaign', 'watch', id, '--json']);
    await receiver.waitFor(100);
    await disk.fill();
    await untilAuditIsFull(id);

    expect((await untilPaused(id)).reason).toMatch(kind.words);
    const [books] = await db.select().from(campaign).where(eq(campaign.id, id));
    expect(books).toMatchObject({ word: 'go', subState: 'Sending' });

    await disk.free();
    await waitFor(
      async () => (await db.select().from(campaign).where(eq(campaign.id, id)))[0]?.word === 'pause',
      { describe: 'the books to say it, too' },
    );
    await sleepOf(0);
    await exm('campaign', 'resume', id);
    const watched = await watching;
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { sent: recipients } });
    expect(watched.stderr).toMatch(kind.words);
    expect(receiver.messages).toHaveLength(recipients);
  });

  async function untilAuditIsFull(id: string): Promise<void> {
    for (;;) {
      try {
        await installation.database.db.execute(
          sql`insert into campaign_audit (campaign_id, actor, what) values (${id}, '', '')`,
        );
      } catch (error) {
        if (storageRefused(error) !== undefined) return;
        throw error;
      }
    }
  }
});
