import { and, eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forgetContact } from '../../src/contacts/erasure/forget-contact.ts';
import { mergeLock } from '../../src/contacts/import/import-merge.ts';
import {
  contact,
  contactList,
  globalOptOut,
  leftMailbox,
  listMember,
  listOptOut,
  subscriptionRequest,
  suppression,
} from '../../src/db/schema.ts';
import { confirmationDays, requestLimits, waitingRequestsMaximum } from '../../src/domain/subscription.ts';
import { subscriptionLink } from '../../src/tracking/links/subscription-link.ts';
import { unsubscribe } from '../../src/tracking/unsubscribe.ts';
import { keys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';
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

let people = 0;
const newAddress = () => `next${++people}@example.net`;
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const post = async (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) => {
  const response = await delivery.post(path, new URLSearchParams(fields).toString(), { ...form, ...headers });
  return { status: response.status, html: await response.text() };
};
const ask = async (token: string, email: string, fields: Record<string, string> = {}) =>
  await post(`/p/${token}`, { form: 'address', email, ...fields });
const requestsFor = async (email: string) =>
  await database.db.select().from(subscriptionRequest).where(eq(subscriptionRequest.emailKey, email));
const linkTo = async (email: string, purpose: 'new-address' | 'old-address' = 'new-address') => {
  const [found] = (await requestsFor(email)).filter((request) => request.purpose === purpose);
  return subscriptionLink('', found?.id ?? '', keys);
};
const confirm = async (path: string, headers: Record<string, string> = {}) =>
  await post(path, { confirm: 'yes' }, headers);
const contactOf = async (id: number) =>
  (await database.db.select().from(contact).where(eq(contact.id, id)))[0];
const addressOf = async (id: number) => (await contactOf(id))?.email;
const shape = (html: string, email: string) => html.replaceAll(email, 'ADDRESS');

describe('another address, asked for on the preference page', () => {
  test('changes nothing until its owner presses the button, once, and keeps memberships', async () => {
    const { token, contactId, email } = await campaign.person({ bounceCount: 3 });
    const next = newAddress();
    const { status, html } = await ask(token, ` ${next.toUpperCase()} `, { form: 'address' });
    expect([status, html]).toEqual([200, expect.stringContaining('One more step')]);
    expect(await requestsFor(next)).toMatchObject([
      {
        purpose: 'new-address',
        contactId,
        listId: null,
        via: 'preferences',
        wording: expect.stringContaining('Fennel & Slate'),
      },
    ]);
    const link = await linkTo(next);
    const page = await delivery.get(link);
    expect([page.status, await page.text()]).toEqual([200, expect.stringMatching(/n•••@example\.net/i)]);
    expect((await post(link, {})).status).toBe(400);
    expect((await confirm(link, { 'sec-fetch-site': 'cross-site' })).status).toBe(400);
    expect(await addressOf(contactId)).toBe(email);

    await database.db.insert(leftMailbox).values({ emailKey: next, bounceCount: 2 });
    expect((await confirm(link)).html).toContain('Your address is changed');
    expect(await contactOf(contactId)).toMatchObject({ emailKey: next, bounceCount: 0 });
    const member = and(eq(listMember.contactId, contactId), eq(listMember.listId, campaign.listId));
    expect(await database.db.$count(listMember, member)).toBe(1);
    expect((await confirm(link)).html).toContain('This is confirmed already');
    const [proof] = await requestsFor(next);
    expect(proof?.confirmedAt).toBeInstanceOf(Date);
  });

  test('is answered the same whoever the address is, and stores the same', async () => {
    const known = await campaign.person();
    const own = await campaign.person();
    const [fresh, suppressed, optedOut, erased] = [newAddress(), newAddress(), newAddress(), newAddress()];
    await database.db.insert(suppression).values({ emailKey: suppressed, reason: 'complaint' });
    await database.db.insert(globalOptOut).values({ emailKey: optedOut, reason: 'by hand' });
    await campaign.person({ email: erased });
    await forgetContact(database.db, erased, { reason: 'asked for it', by: 'test' });
    const answers = new Set<string>();
    for (const email of [fresh, known.email, own.email, suppressed, optedOut, erased]) {
      const asker = email === own.email ? own : await campaign.person();
      const { status, html } = await ask(asker.token, email);
      answers.add(`${status} ${shape(html, email)}`);
      expect(await requestsFor(email)).toMatchObject([{ sentAt: null, failure: null }]);
    }
    // So are a repeated request, and a program that fills in what nobody sees.
    const again = await campaign.person();
    for (const fields of [{}, {}, { motto: 'x' }]) {
      const { status, html } = await ask(again.token, fresh, fields);
      answers.add(`${status} ${shape(html, fresh)}`);
    }
    expect(answers.size).toBe(1);
    expect(await requestsFor(fresh)).toHaveLength(2);
  });

  test('is asked for within limits: of the address, of the contact, and of all', async () => {
    const { token, contactId } = await campaign.person();
    const first = newAddress();
    await Promise.all([ask(token, first), ask(token, first)]);
    expect(await requestsFor(first)).toHaveLength(1);
    for (let more = 1; more < requestLimits.addressesPerDay + 2; more++) await ask(token, newAddress());
    const ofContact = eq(subscriptionRequest.contactId, contactId);
    expect(await database.db.$count(subscriptionRequest, ofContact)).toBe(requestLimits.addressesPerDay);
    const target = newAddress();
    for (let more = 0; more < requestLimits.perDay + 2; more++)
      await ask((await campaign.person()).token, target);
    expect(await requestsFor(target)).toHaveLength(requestLimits.perDay);
    await database.db.insert(subscriptionRequest).values(
      Array.from({ length: waitingRequestsMaximum }, (_, index) => ({
        id: `waiting ${index}`,
        purpose: 'new-address' as const,
        contactId,
        email: 'x',
        emailKey: 'x',
      })),
    );
    expect((await ask((await campaign.person()).token, newAddress())).status).toBe(503);
    await database.db.delete(subscriptionRequest).where(eq(subscriptionRequest.emailKey, 'x'));
  });

  test('is asked for within the same limits by who confirms another one in between', async () => {
    const { token } = await campaign.person();
    const [bothered, own] = [newAddress(), newAddress()];
    await ask(token, bothered);
    const [first] = await requestsFor(bothered);
    await ask(token, own);
    await confirm(await linkTo(own));
    await ask(token, bothered);
    expect((await requestsFor(bothered)).map(({ id }) => id)).toEqual([first?.id]);
  });

  test('is no address, has no sender for the mail, or comes from elsewhere: the page says so', async () => {
    const { token } = await campaign.person();
    const wrong = await ask(token, 'ada"at"example');
    expect([wrong.status, wrong.html]).toEqual([
      400,
      expect.stringContaining('value="ada&quot;at&quot;example"'),
    ]);
    expect(wrong.html).toContain('Please enter an email address');
    const next = newAddress();
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await post(`/p/${token}`, { form: 'address', email: next }, headers)).status).toBe(400);
    const other = await startDelivery(database.db);
    expect(await (await other.get(`/p/${token}`)).text()).not.toContain('New email address');
    expect((await other.post(`/p/${token}`, `form=address&email=${next}`, form)).status).toBe(400);
    await other.close();
    expect(await requestsFor(next)).toEqual([]);
  });

  test('of another contact by the time of the button changes nothing, and only its owner learns why', async () => {
    const { token, contactId, email } = await campaign.person();
    const next = newAddress();
    await ask(token, next);
    const other = await campaign.person({ email: next });
    const link = await linkTo(next);
    for (const { status, html } of [
      { status: (await delivery.get(link)).status, html: '' },
      await confirm(link),
    ])
      expect([status, html]).toEqual([409, expect.stringMatching(/^$|gets mail from us already/)]);
    expect([await addressOf(contactId), await addressOf(other.contactId)]).toEqual([email, next]);
  });

  test('carries every "no" of both, and subscribes nobody', async () => {
    const { token, contactId, email } = await campaign.person();
    const [list] = await database.db
      .insert(contactList)
      .values({ name: `left ${Math.random()}`, title: 'Left' })
      .returning();
    const next = newAddress();
    await ask(token, next);
    await database.db.insert(listOptOut).values({ listId: list?.id ?? 0, emailKey: email, reason: 'left' });
    await database.db.insert(globalOptOut).values({ emailKey: email, reason: 'by hand' });
    await database.db.insert(suppression).values({ emailKey: next, reason: 'complaint' });
    const { html } = await confirm(await linkTo(next));
    expect(html).toContain('nothing is sent, because you have unsubscribed from everything');
    expect(await addressOf(contactId)).toBe(next);
    for (const address of [email, next]) {
      expect(await database.db.$count(globalOptOut, eq(globalOptOut.emailKey, address))).toBe(1);
      expect(await database.db.$count(listOptOut, eq(listOptOut.emailKey, address))).toBe(1);
    }
    expect(await database.db.$count(suppression, eq(suppression.emailKey, next))).toBe(1);
  });

  test('is no subscription: what was to be stopped before is stopped all the same', async () => {
    const { token, contactId, position } = await campaign.person();
    const next = newAddress();
    const askedAt = new Date(Date.now() - 60_000);
    await ask(token, next);
    await confirm(await linkTo(next));
    const payload = { campaignId: campaign.id, position, contactId };
    expect((await unsubscribe(database.db, payload, 'all', '', askedAt)).result).toBe('unsubscribed');
  });

  test('that was erased comes back by its owner, and by nobody else', async () => {
    const erased = newAddress();
    await campaign.person({ email: erased });
    await forgetContact(database.db, erased, { reason: 'asked for it', by: 'test' });
    const { token, contactId } = await campaign.person();
    await ask(token, erased);
    expect((await confirm(await linkTo(erased))).status).toBe(200);
    expect(await addressOf(contactId)).toBe(erased);
  });

  test('is forgotten with its contact, though nobody confirmed it', async () => {
    const { token, email } = await campaign.person();
    const next = newAddress();
    await ask(token, next);
    const link = await linkTo(next);
    await forgetContact(database.db, email, { reason: 'asked for it', by: 'test' });
    expect(await requestsFor(next)).toEqual([]);
    expect((await confirm(link)).status).toBe(404);
  });

  test('is asked for in time, or asked for again', async () => {
    const { token, contactId, email } = await campaign.person();
    const next = newAddress();
    await ask(token, next);
    const sentAt = new Date(Date.now() - (confirmationDays + 1) * 86_400_000);
    await database.db
      .update(subscriptionRequest)
      .set({ sentAt })
      .where(eq(subscriptionRequest.emailKey, next));
    const late = await confirm(await linkTo(next));
    expect([late.status, late.html]).toEqual([410, expect.stringContaining('too old')]);
    expect(await addressOf(contactId)).toBe(email);
  });

  test('pressed twice at once changes once, and tells the address before once', async () => {
    const { token, email } = await campaign.person();
    const next = newAddress();
    await ask(token, next);
    const link = await linkTo(next);
    await Promise.all([confirm(link), confirm(link), confirm(link)]);
    expect((await requestsFor(email)).filter(({ purpose }) => purpose === 'old-address')).toHaveLength(1);
  });

  test('waits for no import: it asks to press the button again', async () => {
    const { token, contactId, email } = await campaign.person();
    const next = newAddress();
    await ask(token, next);
    const link = await linkTo(next);
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${mergeLock})`);
      const { status, html } = await confirm(link);
      expect([status, html]).toEqual([503, expect.stringContaining('We could not save all of it')]);
    });
    expect(await addressOf(contactId)).toBe(email);
    expect((await confirm(link)).status).toBe(200);
    expect(await addressOf(contactId)).toBe(next);
  });

  test('waits for who erases its contact, and keeps nothing from them', async () => {
    const { token, contactId } = await campaign.person();
    const next = newAddress();
    await ask(token, next);
    const link = await linkTo(next);
    let pressed: ReturnType<typeof confirm> | undefined;
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${mergeLock})`);
      pressed = confirm(link);
      await waitFor(async () => {
        const waiting = sql`
          select from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`;
        return (await tx.execute(waiting)).rowCount === 1;
      });
      await tx.execute(sql`set local lock_timeout = 500`);
      await tx.delete(subscriptionRequest).where(eq(subscriptionRequest.contactId, contactId));
    });
    expect((await pressed)?.status).toBe(404);
  });

  test('closes what else was asked for: the last link that is pressed is the last one', async () => {
    const { token, contactId } = await campaign.person();
    const [one, two] = [newAddress(), newAddress()];
    await ask(token, one);
    await ask(token, two);
    const unused = await linkTo(one);
    await confirm(await linkTo(two));
    expect((await confirm(unused)).status).toBe(404);
    expect(await addressOf(contactId)).toBe(two);
  });
});

describe('the address before', () => {
  test('may take the change back for some days, also after a second one, and that ends all others', async () => {
    const { token, contactId, email } = await campaign.person();
    const [thief, second, third] = [newAddress(), newAddress(), newAddress()];
    await ask(token, thief);
    await confirm(await linkTo(thief));
    expect(await requestsFor(email)).toMatchObject([
      { purpose: 'old-address', contactId, via: 'confirmation', sentAt: null, language: 'en' },
    ]);
    await ask(token, second);
    await confirm(await linkTo(second));
    await ask(token, third);
    const unused = await linkTo(third);
    const back = await linkTo(email, 'old-address');
    expect(await (await delivery.get(back)).text()).toContain('Take the change back');
    expect(await addressOf(contactId)).toBe(second);
    expect((await confirm(back)).html).toContain('Your address is changed');
    expect(await addressOf(contactId)).toBe(email);
    expect((await confirm(unused)).status).toBe(404);
    expect((await confirm(await linkTo(thief, 'old-address'))).status).toBe(404);
    expect(await requestsFor(second)).toMatchObject([{ purpose: 'new-address' }]);
  });

  test('may take it back also from who has moved it twice and took back the second time', async () => {
    const { token, contactId, email } = await campaign.person();
    const [thief, second] = [newAddress(), newAddress()];
    for (const next of [thief, second]) {
      await ask(token, next);
      await confirm(await linkTo(next));
    }
    await confirm(await linkTo(thief, 'old-address'));
    expect(await addressOf(contactId)).toBe(thief);
    expect((await confirm(await linkTo(email, 'old-address'))).html).toContain('Your address is changed');
    expect(await addressOf(contactId)).toBe(email);
    expect((await confirm(await linkTo(thief, 'old-address'))).status).toBe(200);
    expect(await addressOf(contactId)).toBe(email);
  });
});
