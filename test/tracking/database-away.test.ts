import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  contact,
  contactList,
  eventInbox,
  generalNo,
  globalOptOut,
  listOptOut,
  subscriptionRequest,
} from '../../src/db/schema.ts';
import { KeptUnsubscribes } from '../../src/tracking/kept-unsubscribes.ts';
import { useTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';
import { type CuttableDatabase, cuttableDatabase } from './cuttable-database.ts';
import { log, publishedCampaign, startDelivery } from './fixtures.ts';

const database = useTestDatabase();
let wire: CuttableDatabase;
let delivery: Awaited<ReturnType<typeof startDelivery>>;
let campaign: Awaited<ReturnType<typeof publishedCampaign>>;
beforeAll(async () => {
  campaign = await publishedCampaign(database.db);
});
beforeEach(async () => {
  wire = await cuttableDatabase(database.url);
  delivery = await startDelivery(wire.db);
});
afterEach(async () => {
  wire.mend();
  await delivery.close();
  await wire.close();
});

const eventsOf = (contactId: number) =>
  database.db.select().from(eventInbox).where(eq(eventInbox.contactId, contactId));

describe('while the database is away', () => {
  test('who clicks is led on, and the click is stored, once, when it is back', async () => {
    const { token, contactId } = await campaign.person();
    const before = await campaign.person();
    expect((await delivery.get(`/c/${before.token}/0`)).status).toBe(302);
    wire.cut();
    const clickedAt = Date.now();
    const response = await delivery.get(`/c/${token}/0`);
    const answeredAt = Date.now();
    expect([response.status, response.headers.get('location')]).toEqual([
      302,
      'https://shop.example/autumn?x=1&y=2',
    ]);
    expect(await eventsOf(contactId)).toEqual([]);
    expect(delivery.inbox.waiting).toBe(1);
    wire.mend();
    await waitFor(async () => (await eventsOf(contactId)).length > 0);
    const events = await eventsOf(contactId);
    expect(events).toHaveLength(1);
    expect(events[0]?.at.getTime()).toBeGreaterThanOrEqual(clickedAt);
    expect(events[0]?.at.getTime()).toBeLessThanOrEqual(answeredAt);
    await waitFor(() => delivery.inbox.waiting === 0);
  });

  test('an open is stored when it is back, also where the server is stopped in between', async () => {
    const { token, contactId } = await campaign.person();
    wire.cut();
    expect((await delivery.get(`/o/${token}.gif`)).status).toBe(200);
    const stopped = delivery.inbox.close(20_000);
    wire.mend();
    expect(await stopped).toBe(0);
    expect(await eventsOf(contactId)).toHaveLength(1);
  });

  test('nobody is told that they are unsubscribed', async () => {
    const { token, email } = await campaign.person();
    wire.cut();
    const page = await delivery.get(`/u/${token}`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<form method="post">')]);
    const response = await delivery.post(`/u/${token}`, 'List-Unsubscribe=One-Click');
    const html = await response.text();
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('10');
    expect(html).toContain('You are not unsubscribed yet');
    expect(html).toContain('<form method="post">');
    wire.mend();
    expect((await delivery.post(`/u/${token}`, 'List-Unsubscribe=One-Click')).status).toBe(200);
    expect(
      await database.db.select().from(globalOptOut).where(eq(globalOptOut.emailKey, email)),
    ).toHaveLength(1);
  });

  test('what people wanted to stop is kept on disk, and in force when it is back, whoever enters it', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'exm-kept-'));
    const kept = new KeptUnsubscribes({ dir, db: wire.db, log });
    const server = await startDelivery(wire.db, '', { kept });
    const made = await Promise.all([1, 2, 3, 4, 5].map(() => campaign.person()));
    const [all, lists, again, gone, elsewhere] = made;
    if (!all || !lists || !again || !gone || !elsewhere) throw new Error('five people were made');
    wire.cut();
    const answers = [
      await server.post(`/u/${all.token}`, 'List-Unsubscribe=One-Click'),
      await server.post(`/u/${lists.token}`, 'scope=lists'),
      await server.post(`/u/${again.token}`, 'scope=all'),
      await server.post(`/u/${gone.token}`, 'scope=all'),
      await server.post(`/u/${elsewhere.token}`, 'scope=lists'),
    ];
    for (const answer of answers)
      expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('go on trying')]);
    await kept.enter();
    await server.close();
    const files = readdirSync(dir);
    expect(files).toHaveLength(5);
    for (const file of files) expect(readFileSync(join(dir, file), 'utf8')).not.toContain('@');
    writeFileSync(join(dir, 'broken.unsubscribe.json'), '{');
    wire.mend();
    // One came back meanwhile by a form, to one list: there the later word counts.
    const [internal] = await database.db.insert(contactList).values({ name: 'internal' }).returning();
    await database.db.insert(subscriptionRequest).values({
      id: 'since',
      listId: campaign.listId,
      email: again.email,
      emailKey: again.email,
      confirmedAt: new Date(Date.now() + 1_000),
    });
    // Another subscribed to another list: of those that were left nothing is taken back.
    await database.db.insert(subscriptionRequest).values({
      id: 'elsewhere',
      listId: internal?.id ?? 0,
      email: elsewhere.email,
      emailKey: elsewhere.email,
      confirmedAt: new Date(Date.now() + 1_000),
    });
    await database.db.delete(contact).where(eq(contact.id, gone.contactId));
    const other = new KeptUnsubscribes({ dir, db: database.db, log });
    await other.enter();
    const saidNo = async (table: typeof globalOptOut | typeof listOptOut, email: string) =>
      (await database.db.$count(table, eq(table.emailKey, email))) > 0;
    expect(await saidNo(globalOptOut, all.email)).toBe(true);
    expect(await saidNo(listOptOut, lists.email)).toBe(true);
    expect(await saidNo(globalOptOut, again.email)).toBe(false);
    const left = await database.db.select().from(listOptOut).where(eq(listOptOut.emailKey, again.email));
    expect(left.map(({ listId }) => listId)).toEqual([internal?.id]);
    expect(await database.db.$count(generalNo, eq(generalNo.emailKey, again.email))).toBe(1);
    expect(await saidNo(globalOptOut, elsewhere.email)).toBe(false);
    expect(await saidNo(listOptOut, elsewhere.email)).toBe(true);
    expect(readdirSync(dir)).toEqual(['broken.unsubscribe.json.aside']);
    rmSync(dir, { recursive: true });
  });

  test('of a newsletter that was deleted meanwhile is one from all mail: nobody knows which lists it went to', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'exm-kept-'));
    const kept = new KeptUnsubscribes({ dir, db: database.db, log });
    const { contactId, email } = await campaign.person();
    const wanted = {
      campaignId: 'deleted-1a2b',
      position: 1,
      contactId,
      scope: 'lists',
      userAgent: '',
    } as const;
    expect(await kept.keep(wanted)).toBe(true);
    await kept.enter();
    expect(await database.db.$count(globalOptOut, eq(globalOptOut.emailKey, email))).toBe(1);
    expect(readdirSync(dir)).toEqual([]);
    rmSync(dir, { recursive: true });
  });

  test('one that cannot be read, entered or removed holds up no other', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'exm-kept-'));
    const person = await campaign.person();
    const { campaignId, contactId, position } = {
      campaignId: campaign.id,
      contactId: person.contactId,
      position: 1,
    };
    const wanted = { campaignId, contactId, position, scope: 'all' as const, userAgent: '' };
    mkdirSync(join(dir, '0.unsubscribe.json'));
    const neverTaken = { ...wanted, position: 99_999_999_999, at: new Date().toISOString() };
    writeFileSync(join(dir, '1.unsubscribe.json'), JSON.stringify(neverTaken));
    const kept = new KeptUnsubscribes({ dir, db: database.db, log });
    expect(await kept.keep(wanted)).toBe(true);
    await kept.enter();
    expect(await database.db.$count(globalOptOut, eq(globalOptOut.emailKey, person.email))).toBe(1);
    expect(readdirSync(dir)).toEqual(['0.unsubscribe.json', '1.unsubscribe.json']);
    rmSync(dir, { recursive: true });
  });

  test('trouble that lasts is told once, and once that it is over', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'exm-kept-'));
    const told: string[] = [];
    const tell = (_facts: unknown, words?: string) => void told.push(words ?? '');
    const telling = Object.assign(Object.create(log), { warn: tell, info: tell });
    const kept = new KeptUnsubscribes({ dir, db: database.db, log: telling });
    const blocked = join(dir, '0.unsubscribe.json');
    mkdirSync(blocked);
    for (let time = 0; time < 5; time++) await kept.enter();
    expect(told).toEqual(['unsubscribes on disk could not be entered, or not be removed then']);
    rmSync(blocked, { recursive: true });
    for (let time = 0; time < 5; time++) await kept.enter();
    expect(told.slice(1)).toEqual(['all unsubscribes on disk are in force']);
    rmSync(dir, { recursive: true });
  });

  test('a disk that takes nothing is no reason to say that it was kept', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'exm-kept-'));
    writeFileSync(join(dir, 'file'), '');
    const kept = new KeptUnsubscribes({ dir: join(dir, 'file'), db: wire.db, log });
    const server = await startDelivery(wire.db, '', { kept });
    const { token } = await campaign.person();
    wire.cut();
    const answer = await server.post(`/u/${token}`, 'scope=all');
    expect([answer.status, await answer.text()]).toEqual([
      503,
      expect.stringContaining('not unsubscribed yet'),
    ]);
    wire.mend();
    await server.close();
    rmSync(dir, { recursive: true });
  });

  test('a link whose campaign is not in memory asks to try again, and /healthz says what is wrong', async () => {
    const { token } = await campaign.person();
    wire.cut();
    const response = await delivery.get(`/c/${token}/0`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
    expect(await response.text()).toContain('Please try again');
    const health = await delivery.get('/healthz');
    expect([health.status, await health.json()]).toEqual([
      503,
      expect.objectContaining({ status: 'unavailable' }),
    ]);
    wire.mend();
    await waitFor(async () => (await delivery.get('/healthz')).status === 200);
    expect((await delivery.get(`/c/${token}/0`)).status).toBe(302);
  });
});

test('an event the database can never take does not hold up the others', async () => {
  const at = new Date();
  const event = {
    type: 'EmailOpened' as const,
    campaignId: campaign.id,
    position: 1,
    link: null,
    userAgent: 'a\0b\ud800',
    at,
  };
  await Promise.all([
    delivery.inbox.store({ ...event, contactId: 9_001 }),
    delivery.inbox.store({ ...event, contactId: 9_002, position: 99_999_999_999 }),
    delivery.inbox.store({ ...event, contactId: 9_003 }),
  ]);
  const stored = await Promise.all([9_001, 9_002, 9_003].map(async (id) => (await eventsOf(id)).length));
  expect(stored).toEqual([1, 0, 1]);
  expect((await eventsOf(9_001))[0]?.userAgent).toBe('a b\ufffd');
});
