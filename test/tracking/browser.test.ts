import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  contact,
  contactList,
  eventInbox,
  globalOptOut,
  listMember,
  listOptOut,
  subscriptionRequest,
} from '../../src/db/schema.ts';
import { subscriptionLink } from '../../src/tracking/links/subscription-link.ts';
import { keys } from '../message/fixtures.ts';
import { browserNote, browserPath, type ObservedPage, useBrowser } from '../support/browser.ts';
import { useTestDatabase } from '../support/database.ts';
import { focusOf, problemsOf } from '../support/page-checks.ts';
import { waitFor } from '../support/wait-for.ts';
import { links, publishedCampaign, startDelivery } from './fixtures.ts';

const phone = { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true };
const sender = { name: 'Fennel & Slate', address: 'news@example.com' };
/** Where pictures of the pages are put, to be looked at; nowhere if not set. */
const screenshots = process.env['EXM_TEST_SCREENSHOTS'];

describe.skipIf(browserPath === undefined)(`pages for recipients in a browser${browserNote}`, () => {
  const database = useTestDatabase();
  let delivery: Awaited<ReturnType<typeof startDelivery>>;
  let campaign: Awaited<ReturnType<typeof publishedCampaign>>;
  let autumn = 0;
  let winter = 0;
  beforeAll(async () => {
    delivery = await startDelivery(database.db, '', { sender });
    campaign = await publishedCampaign(database.db);
    const made = await database.db
      .insert(contactList)
      .values([
        { name: 'autumn', title: 'Autumn news' },
        { name: 'winter', title: 'Winter letters, with a rather long title that has to be broken somewhere' },
      ])
      .returning();
    [autumn = 0, winter = 0] = made.map(({ id }) => id);
  });
  afterAll(async () => {
    await delivery.close();
  });
  // Closed before the server: a browser keeps connections open that it has not used yet.
  const browser = useBrowser();

  const personOnAutumn = async (change: Partial<typeof contact.$inferInsert> = {}) => {
    const person = await campaign.person(change);
    await database.db.insert(listMember).values({ listId: autumn, contactId: person.contactId });
    return person;
  };
  const eventsOf = async (contactId: number) => {
    const rows = await database.db.select().from(eventInbox).where(eq(eventInbox.contactId, contactId));
    return rows.map(({ type, link }) => ({ type, link }));
  };
  const saidNoToAll = async (email: string) =>
    (await database.db.$count(globalOptOut, eq(globalOptOut.emailKey, email))) > 0;
  const leftLists = async (email: string) => {
    const rows = await database.db.select().from(listOptOut).where(eq(listOptOut.emailKey, email));
    return rows.map(({ listId }) => listId);
  };
  const requestOf = async (email: string) => {
    const rows = await database.db
      .select()
      .from(subscriptionRequest)
      .where(eq(subscriptionRequest.emailKey, email));
    return rows[0];
  };
  /** Presses something that leads to another page, and waits for that. */
  const press = async (page: Page, selector: string) => {
    const loaded = page.waitForEvent('load');
    await page.click(selector);
    await loaded;
  };
  const titleOf = async (page: Page) => await page.locator('h1').textContent();

  let pictures = 0;
  /** What holds of every page, however it is looked at. */
  const expectGood = async ({ page, complaints }: ObservedPage) => {
    if (screenshots !== undefined) {
      mkdirSync(screenshots, { recursive: true });
      const name = `${String(++pictures).padStart(2, '0')}-${(await titleOf(page))?.replace(/\W+/g, '-')}.png`;
      await page.screenshot({ path: join(screenshots, name), fullPage: true });
    }
    expect(complaints).toEqual([]);
    expect(await problemsOf(page)).toEqual([]);
  };

  test('an open and a click of a message count, and the click leads on', async () => {
    const { contactId, token } = await campaign.person();
    const { page, complaints } = await browser.open();
    await page.route(`${delivery.address}/message`, (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<img src="${delivery.address}/o/${token}.gif" width="1" height="1"><a href="${delivery.address}/c/${token}/0">x</a>`,
      }),
    );
    await page.goto(`${delivery.address}/message`);
    const led = page.waitForRequest(links[0] ?? '');
    await page.click('a');
    await led;
    expect(await eventsOf(contactId)).toEqual([
      { type: 'EmailOpened', link: null },
      { type: 'EmailClicked', link: 0 },
    ]);
    // No test leaves this machine, so the shop is not there.
    await waitFor(() => complaints.length > 0);
    expect(complaints).toEqual([`${links[0]}: net::ERR_NAME_NOT_RESOLVED`]);
    await page.context().close();
  });

  test.each([
    ['on a phone without JavaScript', { ...phone, javaScriptEnabled: false, locale: 'de' }],
    ['on a desk in the dark', { colorScheme: 'dark' as const, viewport: { width: 1200, height: 800 } }],
  ])('unsubscribing, undoing it, and choosing instead, %s', async (_how, options) => {
    const { email, token } = await personOnAutumn();
    const observed = await browser.open(options);
    const { page } = observed;
    await page.goto(`${delivery.address}/u/${token}`);
    await expectGood(observed);
    await press(page, 'button[value=all]');
    await expectGood(observed);
    expect(await saidNoToAll(email)).toBe(true);
    await press(page, 'button[name=undo]');
    await expectGood(observed);
    expect(await saidNoToAll(email)).toBe(false);
    await press(page, 'a.line');
    await expectGood(observed);
    await page.uncheck(`input[name=list][value="${autumn}"]`);
    await page.check(`input[name=list][value="${winter}"]`);
    await press(page, 'button.first');
    await expectGood(observed);
    expect([await leftLists(email), (await requestOf(email))?.listId]).toEqual([[autumn], winter]);
    await press(page, 'button[name=undo]');
    expect(await leftLists(email)).toEqual([]);
    await page.context().close();
  });

  test('getting mail at another address, and taking that back, by keyboard on a phone without JavaScript', async () => {
    const { email, token, contactId } = await personOnAutumn();
    const next = 'ada@new.example';
    const observed = await browser.open({ ...phone, javaScriptEnabled: false, locale: 'fr' });
    const { page } = observed;
    const enter = async () => {
      const loaded = page.waitForEvent('load');
      await page.keyboard.press('Enter');
      await loaded;
    };
    const present = async () =>
      (await database.db.select().from(contact).where(eq(contact.id, contactId)))[0]?.email;
    await page.goto(`${delivery.address}/p/${token}`);
    await page.focus('#email');
    await page.keyboard.type('ada');
    await enter();
    await waitFor(() => observed.complaints.length > 0);
    expect(observed.complaints.splice(0)).toEqual([expect.stringContaining('400')]);
    await expectGood(observed);
    // What is wrong is in sight, though it is far below, as soon as the browser has drawn the page.
    await waitFor(async () => (await page.evaluate<number>('scrollY')) > 300);
    await page.focus('#email');
    await page.keyboard.press('Control+A');
    await page.keyboard.type(next);
    await enter();
    await expectGood(observed);
    await page.goto(subscriptionLink(delivery.address, (await requestOf(next))?.id ?? '', keys));
    await expectGood(observed);
    expect(await present()).toBe(email);
    await page.keyboard.press('Tab');
    await enter();
    await expectGood(observed);
    expect([await titleOf(page), await present()]).toEqual(['Votre adresse est changée', next]);
    await page.goto(subscriptionLink(delivery.address, (await requestOf(email))?.id ?? '', keys));
    await expectGood(observed);
    await page.keyboard.press('Tab');
    await enter();
    await expectGood(observed);
    expect(await present()).toBe(email);
    await page.context().close();
  });

  test('subscribing and confirming, without JavaScript on a phone in the dark', async () => {
    const email = 'grace@example.org';
    const observed = await browser.open({ ...phone, javaScriptEnabled: false, colorScheme: 'dark' });
    const { page } = observed;
    await page.goto(`${delivery.address}/s/autumn`);
    await expectGood(observed);
    await page.fill('#email', 'grace');
    await page.fill('#firstName', 'Grace');
    await press(page, 'button');
    // The browser tells the console of every answer of 400.
    await waitFor(() => observed.complaints.length > 0);
    expect(observed.complaints.splice(0)).toEqual([expect.stringContaining('400')]);
    await expectGood(observed);
    expect(await page.inputValue('#firstName')).toBe('Grace');
    await page.fill('#email', email);
    await press(page, 'button');
    await expectGood(observed);
    const { id = '' } = (await requestOf(email)) ?? {};
    await page.goto(subscriptionLink(delivery.address, id, keys));
    await expectGood(observed);
    expect(await database.db.$count(contact, eq(contact.emailKey, email))).toBe(0);
    await press(page, 'button');
    await expectGood(observed);
    expect(await titleOf(page)).toBe('You are subscribed');
    expect(await database.db.$count(contact, eq(contact.emailKey, email))).toBe(1);
    await page.context().close();
  });

  test("subscribing by a form on another website, by the documentation's own HTML", async () => {
    const email = 'katherine@example.org';
    const { page, complaints } = await browser.open();
    await page.route('http://shop.example/', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${delivery.address}/s/autumn"><input name="email"><input name="firstName">
          <input type="hidden" name="language" value="fr"><input name="motto"><button>Go</button></form>`,
      }),
    );
    await page.goto('http://shop.example/');
    await page.fill('[name=email]', email);
    await press(page, 'button');
    expect(await titleOf(page)).toBe('Encore une étape');
    expect(await requestOf(email)).toMatchObject({ via: 'http://shop.example', language: 'fr' });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('by keyboard alone one reaches everything, in order, and sees where one is', async () => {
    const { email, token } = await personOnAutumn();
    const observed = await browser.open();
    const { page } = observed;
    await page.goto(`${delivery.address}/p/${token}`);
    const stops: string[] = [];
    for (let stop = 0; stop < 12; stop++) {
      await page.keyboard.press('Tab');
      const focused = await focusOf(page);
      if (focused === undefined) break;
      expect(focused).toMatchObject({ isVisible: true });
      stops.push(focused.stop);
    }
    expect(stops).toEqual([
      'list',
      'list',
      'firstName',
      'lastName',
      'noName',
      'language',
      'Save',
      'email',
      'Send my mail there',
      'scope',
    ]);
    await page.reload();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Grace');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[name=undo]');
    await expectGood(observed);
    expect(await leftLists(email)).toEqual([autumn]);
    const [person] = await database.db.select().from(contact).where(eq(contact.emailKey, email));
    expect(person?.firstName).toBe('Grace');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[name=undo]', { state: 'detached' });
    expect(await leftLists(email)).toEqual([]);
    await page.context().close();
  });
});
