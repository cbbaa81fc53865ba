import { eq } from 'drizzle-orm';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventInbox, globalOptOut } from '../../src/db/schema.ts';
import { useTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';
import { type CuttableDatabase, cuttableDatabase } from './cuttable-database.ts';
import { publishedCampaign, startDelivery } from './fixtures.ts';

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
