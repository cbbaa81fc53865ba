import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { changeAddress } from '../../../src/contacts/addresses/change-address.ts';
import { audienceOf } from '../../../src/contacts/audience/audience.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import { optOutOfList } from '../../../src/contacts/consent/list-opt-out.ts';
import { optOut } from '../../../src/contacts/consent/opt-out.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { showContact } from '../../../src/contacts/show-contact.ts';
import { confirmSubscription } from '../../../src/contacts/subscription/confirm-subscription.ts';
import { upsertContact } from '../../../src/contacts/upsert-contact.ts';
import { contactList, subscriptionRequest } from '../../../src/db/schema.ts';
import { readRecipients } from '../../../src/dispatch/read-recipients.ts';
import { unsubscribe } from '../../../src/tracking/unsubscribe.ts';
import { useTestDatabase } from '../../support/database.ts';
import { insertCampaign, insertContacts, insertList } from '../fixtures.ts';

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
  'takes consent back': async ({ present }) =>
    await upsertContact(database.db, { email: present, consentRevoked: true }),
};

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
    await database.db.update(contactList).set({ title: list.name });
    await database.db.insert(subscriptionRequest).values({
      id: old,
      listId: list.id,
      email: old,
      emailKey: old,
      via: 'form',
      wording: 'yes',
    });
    await confirmSubscription(database.db, old);
    expect(await audienceOf(database.db, campaignId, settings)).toEqual({ queued: 1, excluded: {} });
  });

  it('says no to nothing is an address as any', async () => {
    const { campaignId } = await twice();
    expect(await audienceOf(database.db, campaignId, settings)).toEqual({ queued: 1, excluded: {} });
  });
});
