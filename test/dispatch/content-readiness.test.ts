import { eq, sql } from 'drizzle-orm';
import PostalMime from 'postal-mime';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { whatIsLacking } from '../../src/campaigns/campaign-status.ts';
import { campaign, content, contentFile, server } from '../../src/db/schema.ts';
import { startServerPresence } from '../../src/db/server-presence.ts';
import { capacityOf, liveDispatchers, unreadyFor } from '../../src/dispatch/dispatchers.ts';
import type { SendBatchInput } from '../../src/domain/dispatch.ts';
import { canonicalJson } from '../../src/message/canonical-json.ts';
import { fileHash } from '../../src/message/content-files.ts';
import { fileReference } from '../../src/message/definition/campaign-files.ts';
import { contentHash } from '../../src/message/freeze/freeze-content.ts';
import { jpeg, png } from '../message/images.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, dispatchHost, queuedCampaign, type TestHost } from '../support/dispatch-host.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();
let receiver: SmtpReceiver;
beforeAll(async () => {
  receiver = await startSmtpReceiver();
});
afterAll(async () => {
  await receiver.close();
});

const leaving: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const leave of leaving.splice(0)) await leave();
  await database.db.delete(server);
});

/** A dispatcher that is heard of, and has these steps of its own. */
async function live(name: string, processors: string[] = []): Promise<TestHost> {
  const { db } = database;
  const row = { role: 'dedicated-dispatch', host: 'one', pid: 1, pool: 'default', threads: 4, sleepMs: 0 };
  const presence = await startServerPresence(db, { ...row, name });
  const own = Object.fromEntries(processors.map((one) => [one, () => undefined]));
  const host = dispatchHost(db, { smtpUrl: receiver.url, name, processors: own });
  leaving.push(
    () => presence.end(true),
    () => host.close(),
  );
  return host;
}

const stamped = async (): Promise<SendBatchInput> => ({
  ...(await queuedCampaign(database.db, [{ email: `${Math.random()}@example.org` }])),
  sendEmail: ['FillEmail', 'Stamp', 'SendEmail', 'EmailSent', 'Sleep'],
});
const dispatchers = async () => await liveDispatchers(database.db, 'default');
const whoCannot = async ({ campaignId }: SendBatchInput) => unreadyFor(await dispatchers(), campaignId);
const noStamp = `This server's exm.config.ts has no processor "Stamp".`;

describe('A dispatcher that cannot send a campaign', () => {
  test('leaves its batches, untouched, to one that can, and says why', async () => {
    const [lacking, able] = [await live('d1'), await live('d2', ['Stamp'])];
    const batch = await stamped();
    for (let again = 0; again < 3; again++) {
      await expect(attempt(lacking, batch)).rejects.toMatchObject({
        code: 'BATCH_HANDED_BACK',
        retryable: true,
        message: `d1 leaves this batch to another dispatcher: ${noStamp}`,
      });
    }
    expect(lacking.recorder.taken).toEqual([]);
    expect(await whoCannot(batch)).toEqual([{ name: 'd1', why: noStamp }]);
    expect(whatIsLacking(await dispatchers(), { id: batch.campaignId, pool: 'default' })).toBeNull();
    expect(capacityOf(await dispatchers(), batch.campaignId)).toEqual({ slots: 4, hosts: 1 });
    expect(capacityOf(await dispatchers(), 'another')).toEqual({ slots: 8, hosts: 2 });
    expect((await attempt(able, batch)).counts).toMatchObject({ sent: 1 });
  });

  test('fails the batch for good, naming every dispatcher, where none of the pool can', async () => {
    const [one, two] = [await live('d1'), await live('d2')];
    await live('d3', ['Stamp']);
    await database.db.update(server).set({ pool: 'other' }).where(eq(server.name, 'd3'));
    const batch = await stamped();
    await expect(attempt(one, batch)).rejects.toMatchObject({ code: 'BATCH_HANDED_BACK' });
    await expect(attempt(two, batch)).rejects.toMatchObject({
      code: 'DISPATCHERS_UNREADY',
      retryable: false,
      message: `No live dispatcher of the pool "default" can send this campaign. d1: ${noStamp}; d2: ${noStamp}`,
      hint: expect.stringContaining('same exm.config.ts'),
    });
    const { campaignId: id } = batch;
    expect(whatIsLacking(await dispatchers(), { id, pool: 'default' })).toContain(`d2: ${noStamp}`);
    expect(capacityOf(await dispatchers(), id)).toEqual({ slots: 0, hosts: 0 });
  });

  test('counts one whose mail server is away as one that can: it will be back', async () => {
    const [lacking] = [await live('d1'), await live('d2', ['Stamp'])];
    await database.db.update(server).set({ health: 'the mail server is away' }).where(eq(server.name, 'd2'));
    const batch = await stamped();
    await expect(attempt(lacking, batch)).rejects.toMatchObject({ code: 'BATCH_HANDED_BACK' });
    expect(whatIsLacking(await dispatchers(), { id: batch.campaignId, pool: 'default' })).toBe(
      `no dispatcher of the pool "default" can send at the moment. d1: ${noStamp}; d2: the mail server is away`,
    );
  });

  test('waits a minute for one that can and was there: it may be restarted just now', async () => {
    const lacking = await live('d1');
    const batch = await stamped();
    const row = { role: 'dedicated-dispatch', host: 'one', pid: 1, pool: 'default', threads: 4, sleepMs: 0 };
    const now = new Date();
    await database.db.insert(server).values({ ...row, name: 'd2', stoppingAt: now, stoppedAt: now });
    expect((await dispatchers()).map(({ name }) => name)).toEqual(['d1']);
    await expect(attempt(lacking, batch)).rejects.toMatchObject({ code: 'BATCH_HANDED_BACK' });
    await database.db.execute(
      sql`update server set seen_at = now() - interval '2 minutes' where name = 'd2'`,
    );
    await waitFor(async () => {
      const error: unknown = await attempt(lacking, batch).catch((thrown: unknown) => thrown);
      return (error as { code?: string }).code === 'DISPATCHERS_UNREADY' ? true : undefined;
    });
  });

  test('sends other campaigns as before', async () => {
    const [lacking] = [await live('d1'), await live('d2', ['Stamp'])];
    await expect(attempt(lacking, await stamped())).rejects.toMatchObject({ code: 'BATCH_HANDED_BACK' });
    const other = await queuedCampaign(database.db, [{ email: 'other@example.org' }]);
    expect((await attempt(lacking, other)).counts).toMatchObject({ sent: 1 });
  });

  test('finds out by itself that it can, when the content that was altered is put right', async () => {
    const [host] = [await live('d1'), await live('d2')];
    const batch = await queuedCampaign(database.db, [{ email: 'right@example.org' }]);
    const ofBatch = eq(content.hash, batch.contentHash);
    const [right] = await database.db.select().from(content).where(ofBatch);
    await database.db.update(content).set({ body: '{}' }).where(ofBatch);
    await expect(attempt(host, batch)).rejects.toMatchObject({
      code: 'BATCH_HANDED_BACK',
      message: expect.stringMatching(/has the hash [0-9a-f]{64}: it was altered/),
    });
    await host.readiness.recheck();
    expect(await whoCannot(batch)).toHaveLength(1);
    await database.db
      .update(content)
      .set({ body: right?.body ?? '' })
      .where(ofBatch);
    await host.readiness.recheck();
    expect(await whoCannot(batch)).toEqual([]);
    expect((await attempt(host, batch)).counts).toMatchObject({ sent: 1 });
  });

  test('sends attachments and images as they are in the database, and nothing where one was altered', async () => {
    const { db } = database;
    const prices = Buffer.from('%PDF-1.7 prices');
    const files = [prices, png].map((bytes) => ({ hash: fileHash(bytes), bytes }));
    await db.insert(contentFile).values(files);
    const batch = await queuedCampaign(db, [{ email: 'files@example.org' }], {
      html: '<img src="logo.png">',
      embedImages: true,
      images: { 'logo.png': fileReference('logo.png', png) },
      attachments: [fileReference('prices.pdf', prices)],
    });
    const [host] = [await live('d1'), await live('d2')];
    await db
      .update(contentFile)
      .set({ bytes: jpeg })
      .where(eq(contentFile.hash, fileHash(png)));
    await expect(attempt(host, batch)).rejects.toMatchObject({
      code: 'BATCH_HANDED_BACK',
      message: expect.stringContaining('The file "logo.png"'),
    });
    await db
      .update(contentFile)
      .set({ bytes: png })
      .where(eq(contentFile.hash, fileHash(png)));
    await host.readiness.recheck();
    expect((await attempt(host, batch)).counts).toMatchObject({ sent: 1 });
    const received = receiver.messages.find(({ to }) => to.includes('files@example.org'));
    const { attachments } = await PostalMime.parse(received?.raw ?? '');
    expect(attachments.map(({ content: bytes }) => Buffer.from(bytes as ArrayBuffer))).toEqual([png, prices]);
  });

  test('sends nothing of content that a newer version has frozen', async () => {
    const [host] = [await live('d1'), await live('d2')];
    const batch = await queuedCampaign(database.db, [{ email: 'newer@example.org' }]);
    const body = canonicalJson({ ...(await host.contents.load(batch.contentHash)).frozen, format: 99 });
    const newer = { ...batch, contentHash: contentHash(body) };
    await database.db.insert(content).values({ hash: newer.contentHash, body });
    await expect(attempt(host, newer)).rejects.toMatchObject({
      code: 'BATCH_HANDED_BACK',
      message: expect.stringContaining('its format is 99, and this version knows 1'),
      hint: 'Update this server to the version of the others.',
    });
  });

  test('forgets it when the campaign has ended, and when it is started anew', async () => {
    const [host] = [await live('d1'), await live('d2', ['Stamp'])];
    const [ended, other] = [await stamped(), await stamped()];
    for (const batch of [ended, other]) await expect(attempt(host, batch)).rejects.toThrow();
    await database.db.update(campaign).set({ state: 'Sent' }).where(eq(campaign.id, ended.campaignId));
    await host.readiness.recheck();
    expect([await whoCannot(ended), await whoCannot(other)]).toEqual([[], [{ name: 'd1', why: noStamp }]]);
    await database.db.update(server).set({ stoppedAt: new Date() }).where(eq(server.name, 'd1'));
    await live('d1', ['Stamp']);
    expect(await whoCannot(other)).toEqual([]);
  });
});
