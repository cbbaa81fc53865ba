import { Readable } from 'node:stream';
import { eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { changeAddress } from '../../../src/contacts/addresses/change-address.ts';
import { audienceOf, judgeContact } from '../../../src/contacts/audience/audience.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import { optOutOfList } from '../../../src/contacts/consent/list-opt-out.ts';
import { optIn, optOut } from '../../../src/contacts/consent/opt-out.ts';
import { suppress } from '../../../src/contacts/consent/suppression.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { importOptOuts } from '../../../src/contacts/import/import-opt-outs.ts';
import { importSuppression } from '../../../src/contacts/import/import-suppression.ts';
import { showContact } from '../../../src/contacts/show-contact.ts';
import { confirmSubscription } from '../../../src/contacts/subscription/confirm-subscription.ts';
import { upsertContact } from '../../../src/contacts/upsert-contact.ts';
import { contactList, listMember, subscriptionRequest } from '../../../src/db/schema.ts';
import { readRecipients } from '../../../src/dispatch/read-recipients.ts';
import { unsubscribe } from '../../../src/tracking/unsubscribe.ts';
import { useTestDatabase } from '../../support/database.ts';
import { contactByEmail, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();
const settings = { undeliveredMaximum: 5, checkSuppressionList: true };
const languages = { languages: ['en'], defaultLanguage: 'en' };

let people = 0;

/** Somebody has changed their address, and a source that does not know of it has brought the old one back. */
async function twice() {
  people++;
  const [old, present] = [`old${people}@example.com`, `new${people}@example.com`];
  const [id = 0] = await insertContacts(database.db, [{ email: old }]);
  await changeAddress(database.db, old, present);
  const list = await insertList(database.db, []);
  await importContacts(database.db, Readable.from([`email\n${old}\n`]), { list: list.name });
  const campaignId = await insertCampaign(database.db, { include: [list.id] });
  return { id, old, present, list, campaignId };
}

type Twice = Awaited<ReturnType<typeof twice>>;

const sayings: Record<string, (person: Twice) => Promise<unknown>> = {
  'unsubscribes by a message that went to the old address': async ({ id, campaignId }) =>
    await unsubscribe(database.db, { campaignId, position: 1, contactId: id }, 'all', ''),
  'leaves a list': async ({ present, list }) => await optOutOfList(database.db, present, list.name),
  'opts out of everything': async ({ present }) => await optOut(database.db, present),
  'is marked DoNotMarket': async ({ present }) =>
    await upsertContact(database.db, { email: present, doNotMarket: true }),
  'is suppressed by hand': async ({ present }) =>
    await suppress(database.db, present, 'asked by phone', settings),
  'takes consent back': async ({ present }) =>
    await upsertContact(database.db, { email: present, consentRevoked: true }),
};

/** Somebody has asked for the list by the address, and confirmed it. */
async function subscribed(email: string, listId: number): Promise<void> {
  await database.db.update(contactList).set({ title: 'News' }).where(eq(contactList.id, listId));
  const wording = 'yes';
  await database.db
    .insert(subscriptionRequest)
    .values({ id: email, listId, email, emailKey: email, via: 'form', wording });
  await confirmSubscription(database.db, email);
}

describe('the former address of somebody who', () => {
  it.each(Object.keys(sayings))('%s gets nothing', async (saying) => {
    const person = await twice();
    await sayings[saying]?.(person);
    expect(await audienceOf(database.db, person.campaignId, settings)).toEqual({
      queued: 0,
      excluded: { 'former-address': 1 },
    });
    expect(await showContact(database.db, person.old, settings)).toMatchObject({
      excluded: 'former-address',
    });
  });

  it.each(Object.keys(sayings))('%s gets nothing of what is queued already either', async (saying) => {
    const person = await twice();
    const { campaignId } = person;
    expect(await queueMessage(database.db, campaignId, { ...settings, ...languages })).toEqual({
      queued: 1,
      excluded: {},
    });
    await sayings[saying]?.(person);
    const recipients = await readRecipients(database.db, campaignId, { first: 1, last: 1 }, 1, settings);
    expect(recipients.map(({ exclusion }) => exclusion)).toEqual(['former-address']);
  });

  it('said no gets mail again once it has subscribed by itself', async () => {
    const { old, present, list, campaignId } = await twice();
    await optOut(database.db, present);
    await subscribed(old, list.id);
    expect(await audienceOf(database.db, campaignId, settings)).toEqual({ queued: 1, excluded: {} });
  });

  it('said no takes that along to another address', async () => {
    const { old, present, campaignId } = await twice();
    await optOut(database.db, present);
    const { carried } = await changeAddress(database.db, old, `yet.another.${old}`);
    expect(carried).toEqual({ globalOptOut: true, suppression: false, listOptOuts: 0 });
    expect(await audienceOf(database.db, campaignId, settings)).toMatchObject({ queued: 0 });
  });

  it('is suppressed, or has a mailbox that bounces, is written to where that is not looked at, or not their wish', async () => {
    const { present, campaignId } = await twice();
    const bounced = Readable.from([`email,cause\n${present},hard-bounce\n`]);
    await importSuppression(database.db, bounced, { reason: 'x' });
    expect(await audienceOf(database.db, campaignId, settings)).toEqual({ queued: 1, excluded: {} });
    await suppress(database.db, present, 'asked by phone', settings);
    expect(await audienceOf(database.db, campaignId, settings)).toMatchObject({ queued: 0 });
    const unlooked = { ...settings, checkSuppressionList: false };
    expect(await audienceOf(database.db, campaignId, unlooked)).toEqual({ queued: 1, excluded: {} });
  });

  it('says no to nothing is an address as any', async () => {
    const { campaignId } = await twice();
    expect(await audienceOf(database.db, campaignId, settings)).toEqual({ queued: 1, excluded: {} });
  });
});

describe('somebody who has left an address by which', () => {
  const saysNo: Record<string, (person: Twice) => Promise<unknown>> = {
    'an operator opts them out': async ({ old }) => await optOut(database.db, old),
    'a file opts them out': async ({ old }) =>
      await importOptOuts(database.db, Readable.from([`email\n${old}\n`]), { reason: 'from elsewhere' }),
    'a file of earlier days opts them out': async ({ old }) =>
      await importOptOuts(database.db, Readable.from([`email,since\n${old},2020-01-01\n`]), {
        reason: 'from elsewhere',
      }),
    'the contact that a source made of it unsubscribes': async ({ old, campaignId }) => {
      const { id } = await contactByEmail(database.db, old);
      return await unsubscribe(database.db, { campaignId, position: 2, contactId: id }, 'all', '');
    },
    'a source says DoNotMarket': async ({ old }) =>
      await upsertContact(database.db, { email: old, doNotMarket: true }),
  };

  /** They are on the list by their present address. */
  async function present() {
    const person = await twice();
    await database.db.insert(listMember).values({ listId: person.list.id, contactId: person.id });
    return person;
  }

  async function mayGet({ campaignId, id }: Twice): Promise<string[]> {
    const { reasons } = await judgeContact(database.db, campaignId, id, settings);
    return [...reasons];
  }

  it.each(Object.keys(saysNo))('%s gets nothing', async (saying) => {
    const person = await present();
    await saysNo[saying]?.(person);
    const { queued } = await audienceOf(database.db, person.campaignId, settings);
    expect([queued, await mayGet(person)]).toEqual([0, ['former-address']]);
  });

  it.each(Object.keys(saysNo))('%s gets nothing of what is queued already either', async (saying) => {
    const person = await present();
    const { campaignId } = person;
    await queueMessage(database.db, campaignId, { ...settings, ...languages });
    await saysNo[saying]?.(person);
    const recipients = await readRecipients(database.db, campaignId, { first: 1, last: 2 }, 2, settings);
    expect(recipients.filter(({ exclusion }) => exclusion === null)).toEqual([]);
  });

  it('an operator opts them out gets mail again once the old address is opted in', async () => {
    const person = await present();
    await optOut(database.db, person.old);
    await optIn(database.db, person.old);
    expect(await mayGet(person)).toEqual([]);
  });

  it('they said no before they left it, and took it back, gets mail', async () => {
    const [id = 0] = await insertContacts(database.db, [{ email: 'early@example.com' }]);
    const list = await insertList(database.db, [id]);
    const campaignId = await insertCampaign(database.db, { include: [list.id] });
    await optOut(database.db, 'early@example.com');
    await changeAddress(database.db, 'early@example.com', 'late@example.com');
    await changeAddress(database.db, 'late@example.com', 'latest@example.com');
    await optIn(database.db, 'latest@example.com');
    expect(await audienceOf(database.db, campaignId, settings)).toEqual({ queued: 1, excluded: {} });
    await optOut(database.db, 'late@example.com');
    expect(await audienceOf(database.db, campaignId, settings)).toMatchObject({ queued: 0 });
  });

  it('an operator opts them out gets nothing, though that address was opted out when they left it', async () => {
    const [id = 0] = await insertContacts(database.db, [{ email: 'again@example.com' }]);
    const list = await insertList(database.db, [id]);
    const campaignId = await insertCampaign(database.db, { include: [list.id] });
    await optOut(database.db, 'again@example.com');
    await database.db.execute(
      sql`update global_opt_out set created_at = now() - interval '2 years' where email_key = 'again@example.com'`,
    );
    await changeAddress(database.db, 'again@example.com', 'again@example.org');
    await optIn(database.db, 'again@example.org');
    expect((await audienceOf(database.db, campaignId, settings)).queued).toBe(1);
    expect(await optOut(database.db, 'again@example.com')).toMatchObject({ changed: false });
    expect((await audienceOf(database.db, campaignId, settings)).queued).toBe(0);
  });

  it('a file of days before they subscribed opts them out gets mail', async () => {
    const person = await present();
    await subscribed(person.present, person.list.id);
    const file = Readable.from([`email,since\n${person.old},2020-01-01\n`]);
    await importOptOuts(database.db, file, { reason: 'from elsewhere' });
    expect(await mayGet(person)).toEqual([]);
  });

  it('a file opts them out that was being read when they left it gets nothing', async () => {
    const [id = 0] = await insertContacts(database.db, [{ email: 'listed@example.com' }]);
    const list = await insertList(database.db, [id]);
    const campaignId = await insertCampaign(database.db, { include: [list.id] });
    async function* file() {
      yield 'email\nlisted@example.com\n';
      yield Array.from({ length: 6_000 }, (_, index) => `filler${index}@example.com\n`).join('');
      await changeAddress(database.db, 'listed@example.com', 'listed@example.org');
      yield 'last@example.com\n';
    }
    await importOptOuts(database.db, Readable.from(file()), { reason: 'from elsewhere' });
    expect((await audienceOf(database.db, campaignId, settings)).queued).toBe(0);
  });

  it('another person says no who has subscribed by it gets mail', async () => {
    const person = await present();
    await subscribed(person.old, person.list.id);
    await optOut(database.db, person.old);
    expect(await mayGet(person)).toEqual([]);
  });

  it('leaves one list keeps the others', async () => {
    const person = await present();
    const { name } = await insertList(database.db, []);
    await optOutOfList(database.db, person.old, name);
    expect(await mayGet(person)).toEqual([]);
  });

  it('an operator opts them out at the moment of the change gets nothing, whichever is first', async () => {
    for (let round = 0; round < 10; round++) {
      const [old, next] = [`racing${round}@example.com`, `raced${round}@example.com`];
      const [id = 0] = await insertContacts(database.db, [{ email: old }]);
      const list = await insertList(database.db, [id]);
      const campaignId = await insertCampaign(database.db, { include: [list.id] });
      await Promise.all([changeAddress(database.db, old, next), optOut(database.db, old)]);
      expect((await audienceOf(database.db, campaignId, settings)).queued).toBe(0);
    }
  });
});

it('a subscription of who had an address first proves nothing of who has it next', async () => {
  const [other = 0] = await insertContacts(database.db, [{ email: 'other@example.com' }]);
  const list = await insertList(database.db, [other]);
  const campaignId = await insertCampaign(database.db, { include: [list.id] });
  await insertContacts(database.db, [{ email: 'shared@example.com' }]);
  await subscribed('shared@example.com', list.id);
  await changeAddress(database.db, 'shared@example.com', 'gone-on@example.com');
  await changeAddress(database.db, 'other@example.com', 'shared@example.com');
  await optOut(database.db, 'gone-on@example.com');
  expect((await judgeContact(database.db, campaignId, other, settings)).reasons).toEqual(['former-address']);
});
