import { Readable } from 'node:stream';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { optOut } from '../../src/contacts/consent/opt-out.ts';
import { importOptOuts } from '../../src/contacts/import/import-opt-outs.ts';
import {
  campaignList,
  campaign as campaignTable,
  contact,
  contactList,
  eventInbox,
  globalOptOut,
  listMember,
  listOptOut,
} from '../../src/db/schema.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { makeToken } from '../../src/tracking/links/token.ts';
import { makeUndoReceipt, openUndoReceipt } from '../../src/tracking/links/undo-receipt.ts';
import { keys, otherKeys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { publishedCampaign, startDelivery } from './fixtures.ts';

const database = useTestDatabase();
let delivery: Awaited<ReturnType<typeof startDelivery>>;
let campaign: Awaited<ReturnType<typeof publishedCampaign>>;
beforeAll(async () => {
  delivery = await startDelivery(database.db);
  campaign = await publishedCampaign(database.db);
});
afterAll(async () => {
  await delivery.close();
});

const form = { 'content-type': 'application/x-www-form-urlencoded' };
const post = async (token: string, body: string, headers: Record<string, string> = {}) => {
  const response = await delivery.post(`/u/${token}`, body, { ...form, ...headers });
  return { status: response.status, html: await response.text() };
};
const undoOf = (html: string) => /name="undo" value="([^"]+)"/.exec(html)?.[1] ?? '';
const saidNoToAll = async (email: string) =>
  (await database.db.select().from(globalOptOut).where(eq(globalOptOut.emailKey, email))).length > 0;
const listsLeft = async (email: string) => {
  const rows = await database.db.select().from(listOptOut).where(eq(listOptOut.emailKey, email));
  return rows.map(({ listId }) => listId).sort();
};
const addList = async (expression: string | null, role: 'include' | 'exclude' | 'none' = 'include') => {
  const [list] = await database.db
    .insert(contactList)
    .values({ name: `list ${Math.random()}`, expression })
    .returning();
  const listId = list?.id ?? 0;
  if (role !== 'none')
    await database.db.insert(campaignList).values({ campaignId: campaign.id, listId, role });
  return listId;
};

describe('leaving a newsletter', () => {
  test('is leaving each segment it went to, and each static list it went to that the person is on', async () => {
    const segment = await addList('contact.language == "en"');
    const notOn = await addList(null);
    const excluded = await addList('contact.language == "de"', 'exclude');
    const other = await addList(null, 'none');
    const { token, email, contactId } = await campaign.person();
    await database.db.insert(listMember).values({ listId: other, contactId });
    expect((await post(token, 'scope=lists')).html).toContain('You have left the lists');
    expect(await listsLeft(email)).toEqual([campaign.listId, segment].sort());
    expect([notOn, excluded, other]).not.toContain(segment);
    for (const listId of [segment, notOn, excluded])
      await database.db.delete(campaignList).where(eq(campaignList.listId, listId));
  });

  test('is leaving all its lists where the person is on none: taken off since, or named by a DispatchManager', async () => {
    const { token, email, contactId } = await campaign.person();
    await database.db.delete(listMember).where(eq(listMember.contactId, contactId));
    expect((await post(token, 'scope=lists')).html).toContain('You have left the lists');
    expect(await listsLeft(email)).toEqual([campaign.listId]);
  });

  test('that is deleted offers to leave everything, which works', async () => {
    const gone = await publishedCampaign(database.db);
    const { token, email } = await gone.person();
    await database.db.delete(campaignTable).where(eq(campaignTable.id, gone.id));
    const page = await delivery.get(`/u/${token}`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('name="scope"')]);
    const { status, html } = await post(token, 'scope=lists');
    expect(status).toBe(200);
    expect(html).toContain('This newsletter is no longer there');
    expect(html).not.toContain('value="lists"');
    expect(await saidNoToAll(email)).toBe(false);
    expect((await post(token, 'scope=all')).html).toContain('You are unsubscribed');
    expect(await saidNoToAll(email)).toBe(true);
  });
});

describe('undoing an unsubscribe', () => {
  test.each(['all', 'lists'])('takes back exactly what the click did (%s)', async (scope) => {
    const { token, email } = await campaign.person();
    const before = await addList(null, 'none');
    await database.db.insert(listOptOut).values({ listId: before, emailKey: email, reason: 'by hand' });
    const { html } = await post(token, `scope=${scope}`);
    const since = await addList(null, 'none');
    await database.db.insert(listOptOut).values({ listId: since, emailKey: email, reason: 'by hand' });
    const undone = await post(token, `undo=${undoOf(html)}`);
    expect([undone.status, undone.html]).toEqual([200, expect.stringContaining('still subscribed')]);
    expect(await saidNoToAll(email)).toBe(false);
    expect(await listsLeft(email)).toEqual([before, since].sort());
    expect((await post(token, `undo=${undoOf(html)}`)).html).toContain('cannot be undone any more');
  });

  test('takes back no "no" that was there before the click', async () => {
    const { token, email } = await campaign.person();
    await post(token, 'scope=all');
    const again = await post(token, 'scope=all');
    expect(undoOf(again.html)).toBe('');
    expect(await saidNoToAll(email)).toBe(true);
  });

  const again: Record<string, (person: Awaited<ReturnType<typeof campaign.person>>) => Promise<unknown>> = {
    'clicks too': async ({ token }) => await post(token, 'scope=all'),
    'unsubscribes by the mail program': async ({ token }) => await post(token, 'List-Unsubscribe=One-Click'),
    complains: async ({ contactId, position }) => {
      const type = 'SpamComplaint';
      await database.db.insert(eventInbox).values({ type, campaignId: campaign.id, position, contactId });
      await processEvents(database.db, 1_000);
    },
    'has it done by hand': async ({ email }) => await optOut(database.db, email),
    'is on a list of opt-outs that is imported': async ({ email }) => {
      const file = Readable.from([`email\n${email}\n${email}\n`]);
      const report = await importOptOuts(database.db, file, { reason: 'from elsewhere' });
      expect(report).toMatchObject({ added: 0, known: 2 });
    },
  };
  test.each(Object.keys(again))(
    'takes back nothing where the person %s since, for the message was passed on',
    async (how) => {
      const person = await campaign.person();
      const { html } = await post(person.token, 'scope=all');
      await again[how]?.(person);
      const undone = await post(person.token, `undo=${undoOf(html)}`);
      expect(undone.html).toContain('cannot be undone any more');
      expect(await saidNoToAll(person.email)).toBe(true);
    },
  );

  test('of leaving lists takes back nothing where they were left again since, and leaving twice is one event', async () => {
    const { token, email, position } = await campaign.person();
    const { html } = await post(token, 'scope=lists');
    expect(undoOf((await post(token, 'scope=lists')).html)).toBe('');
    await post(token, `undo=${undoOf(html)}`);
    expect(await listsLeft(email)).toContain(campaign.listId);
    const events = await database.db.select().from(eventInbox).where(eq(eventInbox.position, position));
    expect(events).toHaveLength(1);
  });

  test('keeps date and reason of what was said long before', async () => {
    const { token, email } = await campaign.person();
    const createdAt = new Date('2024-05-31T10:00:00Z');
    await database.db.insert(globalOptOut).values({ emailKey: email, reason: 'by letter', createdAt });
    await post(token, 'scope=all');
    expect(await optOut(database.db, email)).toMatchObject({
      changed: false,
      since: createdAt,
      reason: 'by letter',
    });
  });

  test('is nothing that a link does, nor another page, nor one click of a mail program', async () => {
    const { token, email } = await campaign.person();
    const { html } = await post(token, 'scope=all');
    await delivery.get(`/u/${token}?undo=${undoOf(html)}`);
    await post(token, `undo=${undoOf(html)}`, { 'sec-fetch-site': 'cross-site' });
    expect(await saidNoToAll(email)).toBe(true);
    const other = await campaign.person();
    expect(undoOf((await post(other.token, 'List-Unsubscribe=One-Click')).html)).toBe('');
  });

  test("takes this click's receipt, made with our keys, for an hour", async () => {
    const { token, email, contactId, position } = await campaign.person();
    const { html } = await post(token, 'scope=all');
    const receipt = undoOf(html);
    const payload = { campaignId: campaign.id, position, contactId };
    const at = receipt.split('.')[0] ?? '';
    const later = (minutes: number) => Number(at) / 1_000 + minutes * 60_000;
    expect(openUndoReceipt(receipt, payload, keys, later(59))).toBe(at);
    expect(openUndoReceipt(receipt, payload, keys, later(61))).toBeUndefined();
    expect(openUndoReceipt(receipt, payload, { ...otherKeys, earlier: [keys] }, later(1))).toBe(at);
    expect(makeUndoReceipt(payload, at, keys)).toBe(receipt);
    const forged = [
      '',
      'x',
      at,
      `${at}.`,
      `${at}.${'A'.repeat(22)}`,
      `${Number(at) + 1}${receipt.slice(at.length)}`,
      receipt.slice(0, -1),
      `${receipt}A`,
      makeUndoReceipt(payload, at, otherKeys),
      makeUndoReceipt({ ...payload, position: position + 1 }, at, keys),
    ];
    for (const undo of forged) {
      const answer = await post(token, new URLSearchParams({ undo }).toString());
      expect([undo, answer.status, answer.html]).toEqual([
        undo,
        200,
        expect.stringContaining('cannot be undone any more'),
      ]);
    }
    const other = await campaign.person();
    await post(other.token, `undo=${receipt}`);
    expect(await saidNoToAll(email)).toBe(true);
  });
});

test('a year-old message unsubscribes, also of keys that were changed since and a campaign that is gone', async () => {
  const gone = await publishedCampaign(database.db);
  const { contactId, position, email } = await gone.person();
  await database.db.delete(campaignTable).where(eq(campaignTable.id, gone.id));
  const rotated = { ...otherKeys, earlier: [{ ...keys }] };
  const server = await startDelivery(database.db, '', { keys: rotated });
  const token = makeToken({ campaignId: gone.id, position, contactId }, keys);
  const response = await server.post(`/u/${token}`, 'List-Unsubscribe=One-Click', form);
  await server.close();
  expect([response.status, await saidNoToAll(email)]).toEqual([200, true]);
  const events = await database.db.select().from(eventInbox).where(eq(eventInbox.contactId, contactId));
  expect(events).toMatchObject([{ type: 'UnsubscribedFromEmail', campaignId: gone.id }]);
});

test('somebody who was erased is told so, in the language of the browser', async () => {
  const { token, contactId } = await campaign.person();
  await database.db.delete(contact).where(eq(contact.id, contactId));
  const response = await delivery.post(`/u/${token}`, 'scope=lists', { ...form, 'accept-language': 'fr' });
  expect([response.status, await response.text()]).toEqual([
    200,
    expect.stringContaining('Vous n’êtes sur aucune liste'),
  ]);
});
