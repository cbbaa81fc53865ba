import { request } from 'node:http';
import { connect } from 'node:net';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contact, eventInbox, globalOptOut, listMember, listOptOut } from '../../src/db/schema.ts';
import { makeToken } from '../../src/tracking/links/token.ts';
import { keys, otherKeys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { publishedCampaign, startDelivery } from './fixtures.ts';

const database = useTestDatabase();
let delivery: Awaited<ReturnType<typeof startDelivery>>;
let campaign: Awaited<ReturnType<typeof publishedCampaign>>;
beforeAll(async () => {
  delivery = await startDelivery(database.db, '/mail');
  campaign = await publishedCampaign(database.db);
});
afterAll(async () => {
  await delivery.close();
});

const eventsOf = (contactId: number) =>
  database.db
    .select({
      type: eventInbox.type,
      link: eventInbox.link,
      position: eventInbox.position,
      userAgent: eventInbox.userAgent,
    })
    .from(eventInbox)
    .where(eq(eventInbox.contactId, contactId))
    .orderBy(eventInbox.id);

describe('an open', () => {
  test('is answered with an image that nobody caches, and is stored by then', async () => {
    const { token, contactId, position } = await campaign.person();
    const response = await delivery.get(`/o/${token}.gif`, { headers: { 'user-agent': 'Mail/1.0' } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/gif');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const image = Buffer.from(await response.arrayBuffer());
    expect([image.toString('latin1', 0, 6), image.readUInt16LE(6), image.readUInt16LE(8)]).toEqual([
      'GIF89a',
      1,
      1,
    ]);
    expect(await eventsOf(contactId)).toEqual([
      { type: 'EmailOpened', link: null, position, userAgent: 'Mail/1.0' },
    ]);
  });

  test('by many at once is stored once for each', async () => {
    const people = await Promise.all(Array.from({ length: 60 }, () => campaign.person()));
    const responses = await Promise.all(people.map(({ token }) => delivery.get(`/o/${token}.gif`)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    for (const { contactId } of people) expect(await eventsOf(contactId)).toHaveLength(1);
  });
});

describe('a click', () => {
  const click = async (link: number | string, facets: Record<string, string> = {}, firstName = 'Ada') => {
    const person = await campaign.person({ firstName, facets });
    const response = await delivery.get(`/c/${person.token}/${link}`);
    return { ...person, status: response.status, location: response.headers.get('location'), response };
  };

  test('leads on to the frozen link, and is stored by then', async () => {
    const { status, location, contactId, response } = await click(0);
    expect([status, location]).toEqual([302, 'https://shop.example/autumn?x=1&y=2']);
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
    expect(await eventsOf(contactId)).toMatchObject([{ type: 'EmailClicked', link: 0 }]);
  });

  test("leads on to the link with that contact's values, encoded", async () => {
    const { location } = await click(1, { city: 'A&B=C#?/ü' }, '../x y');
    expect(location).toBe('https://shop.example/hello/..%2Fx%20y?city=A%26B%3DC%23%3F%2F%C3%BC');
  });

  test('leads to a web address only, and never to another host than the frozen one', async () => {
    expect((await click(2, { site: 'https://ada.example/' })).location).toBe('https://ada.example/');
    for (const site of [
      'javascript:alert(1)',
      '//evil.example',
      'data:text/html,x',
      '',
      'mailto:a@b.example',
    ]) {
      const { status, contactId } = await click(2, { site });
      expect(status).toBe(404);
      expect(await eventsOf(contactId)).toEqual([]);
    }
    expect((await click(3, { branch: 'wien' })).location).toBe('https://wien.shop.example/');
    for (const branch of [
      'evil.example/',
      'evil.example#',
      'evil.example?',
      'a@evil.example',
      'evil.example\\',
    ]) {
      expect((await click(3, { branch })).status).toBe(404);
    }
  });

  test('on a link that is not in the message is not found', async () => {
    for (const link of [99, -1, '00', '1e1', '0x0', 'https:%2F%2Fevil.example']) {
      expect((await click(link)).status).toBe(404);
    }
  });
});

test('HEAD says whether a link works and stores nothing', async () => {
  const { token, contactId } = await campaign.person();
  for (const path of [`/o/${token}.gif`, `/c/${token}/0`, `/u/${token}`, `/v/${token}`]) {
    const response = await delivery.get(path, { method: 'HEAD' });
    expect([200, 302]).toContain(response.status);
  }
  expect(await eventsOf(contactId)).toEqual([]);
});

describe('view online', () => {
  test("shows the message as it was sent to that person, in that person's language, unable to run anything", async () => {
    const { token, contactId } = await campaign.person({ firstName: '<Ada>', language: 'de' });
    const response = await delivery.get(`/v/${token}`);
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(html).toContain('<h1>Hallo &lt;Ada&gt;</h1>');
    expect(html).toContain(`/c/${token}/0`);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/sandbox (?!.*allow-scripts)/);
    expect(await eventsOf(contactId)).toEqual([]);
  });

  test('is not found for a contact that no longer exists', async () => {
    const { token, contactId } = await campaign.person();
    await database.db.delete(contact).where(eq(contact.id, contactId));
    expect((await delivery.get(`/v/${token}`)).status).toBe(404);
  });
});

describe('unsubscribe', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const optedOut = async (email: string) =>
    (await database.db.select().from(globalOptOut).where(eq(globalOptOut.emailKey, email))).length > 0;
  const optedOutOf = async (email: string) =>
    await database.db
      .select({ listId: listOptOut.listId, reason: listOptOut.reason })
      .from(listOptOut)
      .where(eq(listOptOut.emailKey, email));
  const onList = async (contactId: number) =>
    (await database.db.select().from(listMember).where(eq(listMember.contactId, contactId))).length > 0;

  test('by GET is a page for people that changes nothing and shows no whole address', async () => {
    const { token, contactId } = await campaign.person({ email: 'grace@example.org', language: 'de-at' });
    const response = await delivery.get(`/u/${token}`);
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(html).toContain('<html lang="de">');
    expect(html).toContain('g•••@example.org');
    expect(html).not.toContain('grace');
    expect(html).not.toMatch(/<script|<img|<link|src=|https?:/);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect([await optedOut('grace@example.org'), await onList(contactId), await eventsOf(contactId)]).toEqual(
      [false, true, []],
    );
  });

  test.each([
    ['url-encoded', () => ({ body: 'List-Unsubscribe=One-Click', headers: form })],
    [
      'multipart',
      () => {
        const body = new FormData();
        body.set('List-Unsubscribe', 'One-Click');
        return { body, headers: {} };
      },
    ],
    ['without a content type', () => ({ body: Buffer.from('List-Unsubscribe=One-Click'), headers: {} })],
  ])('by one click of a mail program (%s) opts out of all mail, with its event', async (_kind, make) => {
    const { token, contactId, email, position } = await campaign.person();
    const { body, headers } = make();
    const response = await delivery.post(`/u/${token}`, body, headers);
    expect(response.status).toBe(200);
    expect(await optedOut(email)).toBe(true);
    expect(await eventsOf(contactId)).toMatchObject([
      { type: 'UnsubscribedFromEmail', link: null, position },
    ]);
  });

  test('works as often as it is asked for, and counts once', async () => {
    const { token, contactId } = await campaign.person();
    const first = await delivery.post(`/u/${token}`, 'scope=all', form);
    const second = await delivery.post(`/u/${token}`, 'scope=all', form);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(await first.text()).toContain('You are unsubscribed');
    expect(await second.text()).toContain('already unsubscribed');
    expect(await eventsOf(contactId)).toHaveLength(1);
  });

  test('from this newsletter only opts out of its lists that the person is on, and leaves the rest', async () => {
    const { token, contactId, email } = await campaign.person();
    const response = await delivery.post(`/u/${token}`, 'scope=lists', form);
    expect(await response.text()).toContain('You have left the lists');
    expect([await onList(contactId), await optedOut(email)]).toEqual([true, false]);
    expect(await optedOutOf(email)).toEqual([
      { listId: campaign.listId, reason: `unsubscribed from ${campaign.id}` },
    ]);
    expect(await eventsOf(contactId)).toHaveLength(1);
    expect(await (await delivery.post(`/u/${token}`, 'scope=lists', form)).text()).toContain('already');
  });

  test('from this newsletter only, by many clicks at once, counts once', async () => {
    const { token, contactId, email } = await campaign.person();
    const responses = await Promise.all(
      Array.from({ length: 8 }, () => delivery.post(`/u/${token}`, 'scope=lists', form)),
    );
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect([await optedOutOf(email), await eventsOf(contactId)]).toMatchObject([
      { length: 1 },
      { length: 1 },
    ]);
  });

  test('holds for the address that the contact has now', async () => {
    const { token, contactId, email } = await campaign.person();
    const now = `new-${email}`;
    await database.db.update(contact).set({ email: now, emailKey: now }).where(eq(contact.id, contactId));
    await delivery.post(`/u/${token}`, 'List-Unsubscribe=One-Click', form);
    expect(await optedOut(now)).toBe(true);
  });

  test('of somebody who is no longer a contact says so', async () => {
    const { token, contactId } = await campaign.person();
    await database.db.delete(contact).where(eq(contact.id, contactId));
    const response = await delivery.post(`/u/${token}`, 'scope=all', form);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('no longer hold the address');
  });

  test('without saying from what asks again and changes nothing', async () => {
    const { token, contactId, email } = await campaign.person();
    for (const body of ['', 'scope=everything', 'x', '{"scope":"all"}']) {
      const response = await delivery.post(`/u/${token}`, body, form);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain('<form method="post">');
    }
    const broken = await delivery.post(`/u/${token}`, 'x', {
      'content-type': 'multipart/form-data; boundary=b',
    });
    expect(broken.status).toBe(400);
    expect([await optedOut(email), await eventsOf(contactId)]).toEqual([false, []]);
  });
});

describe('links of a test message', () => {
  test('work and count for nobody', async () => {
    const { contactId, email } = await campaign.person({ language: 'en' });
    const token = makeToken({ campaignId: campaign.id, position: 0, contactId }, keys);
    expect((await delivery.get(`/o/${token}.gif`)).status).toBe(200);
    expect((await delivery.get(`/c/${token}/0`)).status).toBe(302);
    expect(await (await delivery.get(`/v/${token}?language=de&variant=0`)).text()).toContain('Hallo Ada');
    const posted = await delivery.post(`/u/${token}`, 'List-Unsubscribe=One-Click');
    expect([posted.status, await posted.text()]).toEqual([200, expect.stringContaining('test message')]);
    expect(await eventsOf(contactId)).toEqual([]);
    expect(await database.db.select().from(globalOptOut).where(eq(globalOptOut.emailKey, email))).toEqual([]);
    const toNobody = makeToken({ campaignId: campaign.id, position: 0, contactId: 0 }, keys);
    expect((await delivery.get(`/v/${toNobody}?language=de`)).status).toBe(200);
  });
});

describe('whatever else is asked', () => {
  test('gets one plain 404: other keys, cut tokens, other campaigns, other paths', async () => {
    const { token, contactId, position } = await campaign.person();
    const payload = { campaignId: campaign.id, position, contactId };
    const foreign = makeToken(payload, otherKeys);
    const unpublished = makeToken({ ...payload, campaignId: 'none-0000' }, keys);
    const paths = [
      `/o/${foreign}.gif`,
      `/c/${foreign}/0`,
      `/u/${foreign}`,
      `/v/${foreign}`,
      `/o/${token.slice(0, -1)}.gif`,
      `/u/${token}A`,
      `/o/${token}`,
      `/c/${token}`,
      `/c/${token}/0/1`,
      `/c/${unpublished}/0`,
      `/v/${unpublished}`,
      '/',
      '/o/.gif',
      '/c//0',
      '/u/',
      '/favicon.ico',
      '/admin',
      `/u/${'a'.repeat(5_000)}`,
      '/%',
      '/u/%zz',
      '/u/%00',
      '/..%2f..%2fetc/passwd',
      '/__proto__',
      '/c/constructor/0',
    ];
    const bodies = new Set<string>();
    for (const path of paths) {
      const response = await delivery.get(path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      bodies.add(await response.text());
    }
    expect(bodies.size).toBe(1);
    expect([...bodies][0]).not.toMatch(/fastify|stack|route/i);
    expect((await delivery.post(`/u/${foreign}`, 'scope=all')).status).toBe(404);
    expect((await delivery.post(`/c/${token}/0`, '')).status).toBe(404);
  });

  test('is told the language of the browser', async () => {
    const response = await delivery.get('/nothing', {
      headers: { 'accept-language': 'it, fr;q=0.8, de;q=0.9' },
    });
    expect(await response.text()).toContain('<html lang="de">');
  });

  test('may not be large', async () => {
    const { token, contactId } = await campaign.person();
    const response = await delivery.post(`/u/${token}`, `scope=all&x=${'x'.repeat(20_000)}`);
    expect(response.status).toBe(413);
    expect(await eventsOf(contactId)).toEqual([]);
    const headers = await new Promise((resolve, reject) => {
      request(`${delivery.address}/healthz`, { headers: { 'x-large': 'x'.repeat(40_000) } }, (answer) =>
        resolve(answer.statusCode),
      )
        .on('error', reject)
        .end();
    });
    expect(headers).toBe(431);
  });

  test('in broken HTTP ends the connection and not the server', async () => {
    const { hostname, port } = new URL(delivery.address);
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write('GET / HTTP/9.9\r\n\0\r\n\r\n'));
      let text = '';
      socket.on('data', (data) => {
        text += data.toString();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect((await delivery.get('/healthz')).status).toBe(200);
  });

  test('is found also under the path of the public base URL', async () => {
    const { token } = await campaign.person();
    expect((await delivery.get(`/mail/c/${token}/0`)).status).toBe(302);
    expect((await delivery.get('/mail/healthz')).status).toBe(200);
  });
});
