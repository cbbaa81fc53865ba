import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  contact,
  contactList,
  eventInbox,
  globalOptOut,
  listMember,
  listOptOut,
  subscriptionRequest,
} from '../../src/db/schema.ts';
import { makeToken } from '../../src/tracking/links/token.ts';
import { keys, otherKeys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { publishedCampaign, startDelivery } from './fixtures.ts';

const database = useTestDatabase();
const sender = { name: 'Fennel & Slate', address: 'news@example.com' };
let delivery: Awaited<ReturnType<typeof startDelivery>>;
let campaign: Awaited<ReturnType<typeof publishedCampaign>>;
beforeAll(async () => {
  delivery = await startDelivery(database.db, '', { sender });
  campaign = await publishedCampaign(database.db);
});
afterAll(async () => {
  await delivery.close();
});

let autumn = 0;
let winter = 0;
let german = 0;
beforeEach(async () => {
  await database.db.update(contactList).set({ title: null });
  const rows = await database.db
    .insert(contactList)
    .values([
      { name: `autumn ${Math.random()}`, title: 'Autumn <news>' },
      { name: `winter ${Math.random()}`, title: 'Winter' },
      {
        name: `german ${Math.random()}`,
        title: 'Für Deutschsprachige',
        expression: 'contact.language == "de"',
      },
      { name: `vip, secret ${Math.random()}` },
    ])
    .returning();
  [autumn = 0, winter = 0, german = 0] = rows.map(({ id }) => id);
});

const form = { 'content-type': 'application/x-www-form-urlencoded' };
type Fields = Record<string, string | number | readonly (string | number)[]>;
const save = async (token: string, fields: Fields, headers: Record<string, string> = {}) => {
  const body = new URLSearchParams({ form: 'preferences' });
  for (const [name, value] of Object.entries(fields))
    for (const one of [value].flat()) body.append(name, String(one));
  const response = await delivery.post(`/p/${token}`, body.toString(), { ...form, ...headers });
  return { status: response.status, html: await response.text() };
};
const show = async (token: string) => await (await delivery.get(`/p/${token}`)).text();
const join = (listId: number, contactId: number) =>
  database.db.insert(listMember).values({ listId, contactId });
const leftLists = async (email: string) => {
  const rows = await database.db.select().from(listOptOut).where(eq(listOptOut.emailKey, email));
  return rows.map(({ listId }) => listId);
};
const requestsOf = async (email: string) =>
  await database.db.select().from(subscriptionRequest).where(eq(subscriptionRequest.emailKey, email));

describe('the preference page', () => {
  test('shows public lists by their titles, what is on, and nothing internal', async () => {
    const { token, contactId } = await campaign.person({ firstName: 'Ada "A"', language: 'de' });
    await join(autumn, contactId);
    const html = await show(token);
    expect(html).toContain('<html lang="de">');
    expect(html).toContain('Autumn &lt;news&gt;');
    expect(html).toMatch(new RegExp(`name="list" value="${autumn}" checked`));
    expect(html).toMatch(new RegExp(`name="list" value="${winter}">`));
    // A segment is shown to who is in it: nobody can join one.
    expect(html).toMatch(new RegExp(`name="list" value="${german}" checked`));
    expect(html).not.toContain('secret');
    expect(html).not.toMatch(/<script|<img|<link|src=|https?:/);
    const english = await campaign.person({ language: 'en' });
    expect(await show(english.token)).not.toContain('Deutschsprachige');
  });

  test('changes nothing by GET, whatever the address says', async () => {
    const { token, contactId, email } = await campaign.person();
    await join(autumn, contactId);
    const response = await delivery.get(`/p/${token}?form=preferences&was=${autumn}&firstName=Eve`);
    expect(response.status).toBe(200);
    expect(await leftLists(email)).toEqual([]);
  });

  test('leaves lists and segments at once, with one event, and can be undone', async () => {
    const { token, contactId, email } = await campaign.person({ language: 'de' });
    await join(autumn, contactId);
    await join(winter, contactId);
    const { status, html } = await save(token, { was: [autumn, winter, german], list: [winter] });
    expect([status, html]).toEqual([200, expect.stringContaining('„Autumn &lt;news&gt;“')]);
    expect((await leftLists(email)).sort()).toEqual([autumn, german].sort());
    const events = await database.db.select().from(eventInbox).where(eq(eventInbox.contactId, contactId));
    expect(events).toMatchObject([{ type: 'UnsubscribedFromEmail', campaignId: campaign.id }]);
    const undo = /name="undo" value="([^"]+)"/.exec(html)?.[1] ?? '';
    expect(html).toContain(`action="../u/${token}"`);
    await delivery.post(`/u/${token}`, `undo=${undo}`, form);
    expect(await leftLists(email)).toEqual([]);
  });

  test('joins no list by itself: a mail to the person confirms it', async () => {
    const { token, email } = await campaign.person();
    const { html } = await save(token, { list: [winter] });
    expect(html).toContain('One more step for “Winter”');
    expect(await requestsOf(email)).toMatchObject([
      { listId: winter, email, via: 'preferences', sentAt: null, confirmedAt: null },
    ]);
    expect((await save(token, { list: [winter] })).html).toContain('a short time ago');
    expect(await requestsOf(email)).toHaveLength(1);
    expect(await database.db.select().from(listMember).where(eq(listMember.listId, winter))).toEqual([]);
  });

  test('asks for a list that was left as for any other', async () => {
    const { token, contactId, email } = await campaign.person();
    await join(autumn, contactId);
    await save(token, { was: [autumn] });
    expect(await show(token)).not.toMatch(new RegExp(`value="${autumn}" checked`));
    await save(token, { list: [autumn] });
    expect([await leftLists(email), (await requestsOf(email)).length]).toEqual([[autumn], 1]);
  });

  test('takes no internal list, made up or not', async () => {
    const { token, email, contactId } = await campaign.person();
    await save(token, { list: [campaign.listId, 99_999, '-1', '1e3', 'x'], was: [] });
    await save(token, { was: [campaign.listId] });
    expect([await requestsOf(email), await leftLists(email)]).toEqual([[], []]);
    const onList = await database.db.select().from(listMember).where(eq(listMember.contactId, contactId));
    expect(onList).toHaveLength(1);
  });

  test('of who has unsubscribed from everything asks for lists only where that is said as well', async () => {
    const { token, contactId, email } = await campaign.person();
    await join(autumn, contactId);
    await database.db.insert(globalOptOut).values({ emailKey: email, reason: 'by hand' });
    expect(await show(token)).toContain('name="again"');
    const without = await save(token, { was: [autumn], list: [autumn, winter] });
    expect(without.html).toContain('tick “Send me mail again”');
    expect(await requestsOf(email)).toEqual([]);
    await save(token, { was: [autumn], list: [autumn], again: 'yes' });
    expect(await requestsOf(email)).toMatchObject([{ listId: autumn }]);
    expect(
      await database.db.select().from(globalOptOut).where(eq(globalOptOut.emailKey, email)),
    ).toHaveLength(1);
  });

  test('stores name and language, cleaned, and leaves everything else', async () => {
    const { token, contactId } = await campaign.person({ facets: { city: 'Rome' } });
    const { html } = await save(token, {
      firstName: ' Grace\u0000\u202e ',
      lastName: 'Hopper',
      language: 'DE-at',
    });
    expect(html).toContain('What you told us about yourself is changed');
    const [now] = await database.db.select().from(contact).where(eq(contact.id, contactId));
    expect(now).toMatchObject({
      firstName: 'Grace',
      lastName: 'Hopper',
      language: 'de-at',
      facets: { city: 'Rome' },
    });
    await save(token, {
      firstName: 'Visit www.evil.example',
      lastName: 'x'.repeat(500),
      language: 'no such tag',
    });
    const [later] = await database.db.select().from(contact).where(eq(contact.id, contactId));
    expect(later).toMatchObject({ firstName: 'Grace', lastName: 'x'.repeat(100), language: 'de-at' });
  });

  test('shows no name and no whole address to whoever was passed the message, also after saving', async () => {
    const { token, email } = await campaign.person({
      firstName: 'Wilhelmina',
      lastName: 'Featherstone',
      facets: { city: 'Rome' },
    });
    const pages = [await show(token), (await save(token, { firstName: 'Minnie' })).html, await show(token)];
    for (const html of pages)
      for (const secret of ['Wilhelmina', 'Featherstone', 'Minnie', 'Rome', email])
        expect(html).not.toContain(secret);
    expect(pages[0]).toContain('p•••@example.org');
    expect(pages[0]).toContain('Leave empty to keep what we have');
  });

  test('keeps names that are left empty, and removes them only where that is said', async () => {
    const imported = { firstName: ' Ada  <A>', lastName: 'www.shop.example GmbH' };
    const { token, contactId } = await campaign.person(imported);
    const names = async () => {
      const [row] = await database.db.select().from(contact).where(eq(contact.id, contactId));
      return { firstName: row?.firstName, lastName: row?.lastName };
    };
    await save(token, { firstName: '', lastName: ' ' });
    await save(token, {});
    expect(await names()).toEqual(imported);
    await save(token, { firstName: 'Grace', lastName: '' });
    expect(await names()).toEqual({ ...imported, firstName: 'Grace' });
    await save(token, { firstName: '', lastName: '', noName: 'yes' });
    expect(await names()).toEqual({ firstName: '', lastName: '' });
  });

  test('takes a form that is not its own for none', async () => {
    const { token, contactId, email } = await campaign.person();
    await join(autumn, contactId);
    for (const body of ['', `was=${autumn}`, 'List-Unsubscribe=One-Click']) {
      const response = await delivery.post(`/p/${token}`, body, form);
      expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('name="was"')]);
    }
    const elsewhere = await save(token, { was: [autumn] }, { 'sec-fetch-site': 'cross-site' });
    expect(elsewhere.status).toBe(400);
    expect(await leftLists(email)).toEqual([]);
  });

  test('has nothing for strangers, and right words for tests and for who was erased', async () => {
    const { contactId, position } = await campaign.person();
    const payload = { campaignId: campaign.id, position, contactId };
    expect((await delivery.get(`/p/${makeToken(payload, otherKeys)}`)).status).toBe(404);
    expect(await show(makeToken({ ...payload, position: 0 }, keys))).toContain('This was a test message');
    await database.db.delete(contact).where(eq(contact.id, contactId));
    expect(await show(makeToken(payload, keys))).toContain('You are not on any list');
    expect((await save(makeToken(payload, keys), {})).html).toContain('You are not on any list');
  });

  test('adds nothing where no mail could confirm it', async () => {
    const other = await startDelivery(database.db);
    const { token, email } = await campaign.person();
    expect(await (await other.get(`/p/${token}`)).text()).toContain('cannot be added here at the moment');
    const answer = await other.post(`/p/${token}`, `form=preferences&list=${winter}`, form);
    expect(await answer.text()).toContain('could not be added just now');
    expect(await requestsOf(email)).toEqual([]);
    await other.close();
  });
});
