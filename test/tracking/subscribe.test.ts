import { Readable } from 'node:stream';
import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { importContacts } from '../../src/contacts/import/import-contacts.ts';
import { createList, findList } from '../../src/contacts/lists/lists.ts';
import { createSegment } from '../../src/contacts/segments/segments.ts';
import {
  contact,
  contactList,
  globalOptOut,
  listMember,
  listOptOut,
  subscriptionRequest,
} from '../../src/db/schema.ts';
import { confirmationDays, requestLimits, waitingRequestsMaximum } from '../../src/domain/subscription.ts';
import { subscriptionLink } from '../../src/tracking/links/subscription-link.ts';
import { keys, otherKeys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { startDelivery } from './fixtures.ts';

const database = useTestDatabase();
const sender = { name: 'Fennel & Slate', address: 'news@example.com' };
let delivery: Awaited<ReturnType<typeof startDelivery>>;
let list = { id: 0, name: '' };
let other = { id: 0, name: '' };
beforeAll(async () => {
  delivery = await startDelivery(database.db, '', { sender });
});
afterAll(async () => {
  await delivery.close();
});
beforeEach(async () => {
  const made = await database.db
    .insert(contactList)
    .values([
      { name: `autumn-${Math.random()}`, title: 'Autumn <news>' },
      { name: `other-${Math.random()}`, title: 'Other' },
    ])
    .returning();
  [list = list, other = other] = made;
});

let people = 0;
const newAddress = () => `person${++people}@example.org`;
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const ask = async (
  fields: Record<string, string>,
  headers: Record<string, string> = {},
  name = list.name,
) => {
  const body = new URLSearchParams(fields).toString();
  const response = await delivery.post(`/s/${encodeURIComponent(name)}`, body, { ...form, ...headers });
  return { status: response.status, html: await response.text() };
};
const requestsOf = async (email: string) =>
  await database.db.select().from(subscriptionRequest).where(eq(subscriptionRequest.emailKey, email));
const linkOf = (id: string) => subscriptionLink('', id, keys);
const confirm = async (path: string, body = 'confirm=yes', headers: Record<string, string> = {}) => {
  const response = await delivery.post(path, body, { ...form, ...headers });
  return { status: response.status, html: await response.text() };
};
const asked = async (email: string, fields: Record<string, string> = {}) => {
  await ask({ email, ...fields });
  const [request] = await requestsOf(email);
  return linkOf(request?.id ?? '');
};
const isMember = async (email: string, listId = list.id) => {
  const rows = await database.db
    .select()
    .from(listMember)
    .innerJoin(contact, eq(contact.id, listMember.contactId))
    .where(and(eq(contact.emailKey, email), eq(listMember.listId, listId)));
  return rows.length > 0;
};
const leftLists = async (email: string) =>
  (await database.db.select().from(listOptOut).where(eq(listOptOut.emailKey, email))).map(
    ({ listId }) => listId,
  );

describe('a form to subscribe', () => {
  test('stands at the name of a public list, in the wanted language, and nowhere else', async () => {
    const response = await delivery.get(`/s/${list.name}?language=de`);
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(html).toContain('<html lang="de">');
    expect(html).toContain('Autumn &lt;news&gt; abonnieren');
    expect(html).not.toMatch(/<script|<img|<link|src=|https?:/);
    const [internal] = await database.db.insert(contactList).values({ name: 'internal' }).returning();
    const [segment] = await database.db
      .insert(contactList)
      .values({ name: 'segment', title: 'T', expression: 'true' })
      .returning();
    for (const name of [internal?.name, segment?.name, 'none', 'a'.repeat(150), '%00'])
      expect((await delivery.get(`/s/${name}`)).status).toBe(404);
    expect((await ask({ email: newAddress() }, {}, 'internal')).status).toBe(404);
  });

  test('stores a request with the words agreed to, and makes nobody a contact', async () => {
    const email = newAddress();
    const { status, html } = await ask({
      email: ` ${email.toUpperCase()} `,
      firstName: 'Ada',
      language: 'fr',
    });
    expect([status, html]).toEqual([200, expect.stringContaining('Encore une étape')]);
    expect(await requestsOf(email)).toMatchObject([
      {
        listId: list.id,
        firstName: 'Ada',
        language: 'fr',
        via: 'form',
        wording: expect.stringContaining('«\u00a0Autumn <news>\u00a0» de Fennel & Slate'),
      },
    ]);
    expect(await database.db.select().from(contact).where(eq(contact.emailKey, email))).toEqual([]);
  });

  test('answers the same whoever the address is', async () => {
    const [fresh, member, optedOut] = [newAddress(), newAddress(), newAddress()];
    const [known] = await database.db.insert(contact).values({ email: member, emailKey: member }).returning();
    await database.db.insert(listMember).values({ listId: list.id, contactId: known?.id ?? 0 });
    await database.db.insert(globalOptOut).values({ emailKey: optedOut, reason: 'x' });
    const answers = [];
    for (const email of [fresh, member, optedOut, fresh]) {
      const { status, html } = await ask({ email });
      answers.push(`${status} ${html.replaceAll(email, 'X')}`);
    }
    expect(new Set(answers).size).toBe(1);
  });

  test('takes a post from a website, whose origin is kept, and no other part of its address', async () => {
    const email = newAddress();
    const { status } = await ask(
      { email },
      { origin: 'https://shop.example', 'sec-fetch-site': 'cross-site' },
    );
    expect([status, (await requestsOf(email))[0]?.via]).toEqual([200, 'https://shop.example']);
    const strange = newAddress();
    await ask({ email: strange }, { origin: 'null' });
    expect((await requestsOf(strange))[0]?.via).toBe('form');
  });

  test('takes one request an hour for an address and a list, and five a day for an address', async () => {
    const email = newAddress();
    await Promise.all(Array.from({ length: 6 }, () => ask({ email })));
    expect(await requestsOf(email)).toHaveLength(1);
    await ask({ email }, {}, other.name);
    expect(await requestsOf(email)).toHaveLength(2);
    await database.db
      .update(subscriptionRequest)
      .set({ createdAt: new Date(Date.now() - (requestLimits.perListMinutes + 1) * 60_000) })
      .where(eq(subscriptionRequest.emailKey, email));
    await ask({ email });
    expect(await requestsOf(email)).toHaveLength(3);
    for (let day = 0; day < 10; day++) {
      const [more] = await database.db
        .insert(contactList)
        .values({ name: `l${Math.random()}`, title: 'L' })
        .returning();
      await ask({ email }, {}, more?.name);
    }
    expect(await requestsOf(email)).toHaveLength(requestLimits.perDay);
  });

  test('takes no more where too many wait for their mail, and says so', async () => {
    await database.db.insert(subscriptionRequest).values(
      Array.from({ length: waitingRequestsMaximum }, (_, index) => ({
        id: `waiting-${index}`,
        listId: list.id,
        email: '',
        emailKey: '',
      })),
    );
    const email = newAddress();
    const { status, html } = await ask({ email });
    expect([status, html]).toEqual([503, expect.stringContaining('Please try again later')]);
    expect(await requestsOf(email)).toEqual([]);
    await database.db.delete(subscriptionRequest).where(eq(subscriptionRequest.emailKey, ''));
  });

  test('stores nothing for a program that fills in what no person sees, and tells it nothing', async () => {
    const email = newAddress();
    const honest = await ask({ email });
    const program = newAddress();
    const { status, html } = await ask({ email: program, motto: 'buy' });
    expect([status, html.replaceAll(program, 'X')]).toEqual([200, honest.html.replaceAll(email, 'X')]);
    expect(await requestsOf(program)).toEqual([]);
  });

  test('asks again for an address that is none, and keeps what was typed, escaped', async () => {
    for (const email of ['', 'ada', 'a@b', '"><script>1</script>@x', `${'a'.repeat(400)}@example.com`]) {
      const { status, html } = await ask({ email, firstName: 'Ada"' });
      expect([email, status]).toEqual([email, 400]);
      expect(html).toContain('aria-invalid="true"');
      expect(html).toContain('value="Ada&quot;"');
      expect(html).not.toContain('<script>');
    }
  });

  test('takes nobody where there is no sender for the mail', async () => {
    const without = await startDelivery(database.db);
    expect((await without.get(`/s/${list.name}`)).status).toBe(503);
    const email = newAddress();
    const answer = await without.post(`/s/${list.name}`, `email=${email}`, form);
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('no subscriptions')]);
    expect(await requestsOf(email)).toEqual([]);
    await without.close();
  });
});

describe('the link in the mail', () => {
  test('shows a button and changes nothing, however often scanners follow it', async () => {
    const email = newAddress();
    const link = await asked(email);
    for (const method of ['GET', 'HEAD', 'GET']) {
      const response = await delivery.get(link, { method });
      expect(response.status).toBe(200);
      const html = await response.text();
      if (method === 'GET') expect(html).toContain('p•••@example.org');
      expect(html).not.toContain(email);
    }
    expect([await isMember(email), (await requestsOf(email))[0]?.confirmedAt]).toEqual([false, null]);
  });

  test('makes the contact and the membership when its button is pressed, once', async () => {
    const email = newAddress();
    const link = await asked(email, { firstName: 'Ada', language: 'de' });
    const { status, html } = await confirm(link);
    expect([status, html]).toEqual([200, expect.stringContaining('Sie sind angemeldet')]);
    const [person] = await database.db.select().from(contact).where(eq(contact.emailKey, email));
    expect(person).toMatchObject({ firstName: 'Ada', language: 'de', bounceCount: 0 });
    expect(await isMember(email)).toBe(true);
    const [proof] = await requestsOf(email);
    expect(proof?.confirmedAt).toBeInstanceOf(Date);
    expect(proof?.wording).toContain('Ich möchte „Autumn <news>“');
    // Who leaves later is not brought back by the old link.
    await database.db.insert(listOptOut).values({ listId: list.id, emailKey: email, reason: 'left' });
    expect((await confirm(link)).html).toContain('bereits bestätigt');
    expect(await leftLists(email)).toEqual([list.id]);
    expect(await (await delivery.get(link)).text()).toContain('bereits bestätigt');
  });

  test('pressed by many at once, counts once', async () => {
    const email = newAddress();
    const link = await asked(email);
    const answers = await Promise.all(Array.from({ length: 6 }, () => confirm(link)));
    expect(answers.filter(({ html }) => html.includes('You are subscribed'))).toHaveLength(1);
    expect(await database.db.select().from(contact).where(eq(contact.emailKey, email))).toHaveLength(1);
  });

  test('takes back a contact\'s "no" to this list, and keeps what is known of it', async () => {
    const email = newAddress();
    await database.db
      .insert(contact)
      .values({ email, emailKey: email, firstName: 'Grace', bounceCount: 9, facets: { city: 'Rome' } });
    for (const listId of [list.id, other.id])
      await database.db.insert(listOptOut).values({ listId, emailKey: email, reason: 'left' });
    await confirm(await asked(email, { firstName: 'Somebody' }));
    const [person] = await database.db.select().from(contact).where(eq(contact.emailKey, email));
    expect(person).toMatchObject({ firstName: 'Grace', bounceCount: 0, facets: { city: 'Rome' } });
    expect([await leftLists(email), await isMember(email)]).toEqual([[other.id], true]);
  });

  test('makes of a "no" to everything a "no" to every other list', async () => {
    const email = newAddress();
    const [known] = await database.db.insert(contact).values({ email, emailKey: email }).returning();
    await database.db.insert(listMember).values({ listId: other.id, contactId: known?.id ?? 0 });
    await database.db.insert(globalOptOut).values({ emailKey: email, reason: 'unsubscribed' });
    const link = await asked(email);
    expect(await (await delivery.get(link)).text()).toContain('and nothing else');
    await confirm(link);
    const noToAll = await database.db.select().from(globalOptOut).where(eq(globalOptOut.emailKey, email));
    expect(noToAll).toEqual([]);
    const left = await leftLists(email);
    expect([left.includes(list.id), left.includes(other.id)]).toEqual([false, true]);
    // Also to those that are made later: by hand, by a rule, or by an import.
    const later = await createList(database.db, `later ${email}`);
    const rule = await createSegment(database.db, `rule ${email}`, 'contact.language == "en"');
    const imported = `imported ${email}`;
    await importContacts(database.db, Readable.from([`email\n${email}\n`]), { list: imported });
    const byImport = await findList(database.db, imported);
    expect(await leftLists(email)).toEqual(expect.arrayContaining([later.id, rule.id, byImport.id]));
  });

  test('leaves what only the operator says', async () => {
    const email = newAddress();
    await database.db
      .insert(contact)
      .values({ email, emailKey: email, doNotMarket: true, consentRevoked: true });
    await confirm(await asked(email));
    const [person] = await database.db.select().from(contact).where(eq(contact.emailKey, email));
    expect(person).toMatchObject({ doNotMarket: true, consentRevoked: true });
  });

  test('is valid for some days, and then leads back to the form', async () => {
    const email = newAddress();
    const link = await asked(email);
    // Two hours more, for a day may have one more than others where the database is.
    const sentAt = new Date(Date.now() - (confirmationDays * 24 + 2) * 3_600_000);
    await database.db
      .update(subscriptionRequest)
      .set({ sentAt })
      .where(eq(subscriptionRequest.emailKey, email));
    const page = await delivery.get(link);
    expect([page.status, await page.text()]).toEqual([410, expect.stringContaining(`../s/${list.name}`)]);
    expect((await confirm(link)).status).toBe(410);
    expect(await isMember(email)).toBe(false);
  });

  test('forged, cut, of other keys, or without its button pressed on our page confirms nothing', async () => {
    const email = newAddress();
    const link = await asked(email);
    const id = (await requestsOf(email))[0]?.id ?? '';
    const none = subscriptionLink('', '00000000-0000-4000-8000-000000000000', keys);
    const forged = [
      link.slice(0, -1),
      `${link}A`,
      subscriptionLink('', id, otherKeys),
      none,
      '/confirm/x',
      `/confirm/${id}`,
      `/confirm/${id}.`,
    ];
    for (const path of forged) {
      expect([path, (await delivery.get(path)).status]).toEqual([path, 404]);
      expect([path, (await confirm(path)).status]).toEqual([path, 404]);
    }
    expect((await confirm(link, '')).status).toBe(400);
    expect((await confirm(link, 'confirm=yes', { 'sec-fetch-site': 'cross-site' })).status).toBe(400);
    expect(await isMember(email)).toBe(false);
    const rotated = await startDelivery(database.db, '', { sender, keys: { ...otherKeys, earlier: [keys] } });
    expect((await rotated.post(link, 'confirm=yes', form)).status).toBe(200);
    await rotated.close();
    expect(await isMember(email)).toBe(true);
  });

  test('is not found when the list is no longer public', async () => {
    const email = newAddress();
    const link = await asked(email);
    await database.db.update(contactList).set({ title: null }).where(eq(contactList.id, list.id));
    expect([(await delivery.get(link)).status, (await confirm(link)).status]).toEqual([404, 404]);
    expect(await isMember(email)).toBe(false);
  });
});
