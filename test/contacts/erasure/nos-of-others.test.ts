import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { changeAddress } from '../../../src/contacts/addresses/change-address.ts';
import { audienceOf } from '../../../src/contacts/audience/audience.ts';
import { optOut } from '../../../src/contacts/consent/opt-out.ts';
import { forgetContact } from '../../../src/contacts/erasure/forget-contact.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { useTestDatabase } from '../../support/database.ts';
import { audienceSettings, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();
const by = 'test';

/** Somebody on a list who has changed their address; a source may have brought the old one back as another contact. */
async function moved(name: string) {
  const { db } = database;
  const [old, present] = [`${name}@was.example`, `${name}@is.example`];
  const list = await insertList(db, await insertContacts(db, [{ email: old }]));
  await changeAddress(db, old, present);
  return {
    old,
    present,
    bringBack: async () => await importContacts(db, Readable.from([`email\n${old}\n`]), { list: list.name }),
    campaignId: await insertCampaign(db, { include: [list.id] }),
  };
}

const queued = async (campaignId: string) =>
  (await audienceOf(database.db, campaignId, audienceSettings)).queued;

it('of somebody who is erased a "no" goes on holding for the contact that a source made of their former address', async () => {
  const { present, bringBack, campaignId } = await moved('erased');
  await bringBack();
  await optOut(database.db, present);
  expect(await queued(campaignId)).toBe(0);
  await forgetContact(database.db, present, { by });
  expect(await queued(campaignId)).toBe(0);
});

it.each([true, false])(
  'a "no" by a former address goes on holding when that is erased, where it is a contact again: %s',
  async (isContact) => {
    const { old, bringBack, campaignId } = await moved(`former-${isContact}`);
    if (isContact) await bringBack();
    await optOut(database.db, old);
    expect(await queued(campaignId)).toBe(0);
    await forgetContact(database.db, old, { by });
    expect(await queued(campaignId)).toBe(0);
  },
);

it('whoever had another address of somebody who is erased, and said no to nothing, goes on getting mail', async () => {
  const { present, bringBack, campaignId } = await moved('willing');
  await bringBack();
  await forgetContact(database.db, present, { by });
  expect(await queued(campaignId)).toBe(1);
});

it('whoever had the address before is named and not erased, for it may be somebody else', async () => {
  const { old, present, bringBack } = await moved('named');
  await expect(forgetContact(database.db, old, { by })).rejects.toThrow(
    `There is no contact with this address, but it was an address of ${present}.`,
  );
  await bringBack();
  expect((await forgetContact(database.db, old, { by })).movedTo).toEqual([present]);
  expect((await forgetContact(database.db, present, { by })).movedTo).toEqual([]);
});
