import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { changeAddress } from '../../../src/contacts/addresses/change-address.ts';
import { forgetContact } from '../../../src/contacts/erasure/forget-contact.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { upsertContact } from '../../../src/contacts/upsert-contact.ts';
import { useTestDatabase } from '../../support/database.ts';
import { contactByEmail, insertContacts } from '../fixtures.ts';

const database = useTestDatabase();
const [dead, alive] = ['dead@left.example', 'alive@left.example'];

const bouncesOf = async (email: string) => (await contactByEmail(database.db, email)).bounceCount;
const importText = async (text: string, allowConsentGrant = false) =>
  await importContacts(database.db, Readable.from([text]), { list: 'imported', allowConsentGrant });

beforeEach(async () => {
  await database.db.execute(sql`truncate contact, left_mailbox, email_address_history, forgotten`);
  await insertContacts(database.db, [{ email: dead, bounceCount: 9 }]);
  await changeAddress(database.db, dead, alive);
});

describe('the bounces of a mailbox that its contact has left', () => {
  it('are not those of the new address, and are there again when the contact comes back', async () => {
    expect(await bouncesOf(alive)).toBe(0);
    await changeAddress(database.db, alive, dead);
    expect(await bouncesOf(dead)).toBe(9);
  });

  it('are what was left last: a click in between counts', async () => {
    await changeAddress(database.db, alive, dead);
    await database.db.execute(sql`update contact set bounce_count = 0`);
    await changeAddress(database.db, dead, alive);
    await changeAddress(database.db, alive, dead);
    expect(await bouncesOf(dead)).toBe(0);
  });

  it('are those of whoever gets the address next, by a change, by hand or by an import', async () => {
    await insertContacts(database.db, [{ email: 'other@left.example', bounceCount: 1 }]);
    await changeAddress(database.db, 'other@left.example', dead);
    expect(await bouncesOf(dead)).toBe(9);
    await changeAddress(database.db, dead, 'other@left.example');
    expect(await bouncesOf('other@left.example')).toBe(1);

    await upsertContact(database.db, { email: dead });
    expect(await bouncesOf(dead)).toBe(9);
    await changeAddress(database.db, dead, 'third@left.example');

    await importText(`email,bounceCount\n${dead},2\n${alive},\nnew@left.example,3\n`);
    expect(await Promise.all([dead, alive, 'new@left.example'].map(bouncesOf))).toEqual([9, 0, 3]);
  });

  it('are lowered by an import only where that is allowed, as any bounces are', async () => {
    await importText(`email,bounceCount\n${dead},2\n`, true);
    expect(await bouncesOf(dead)).toBe(2);
  });

  it('go with the person who is erased', async () => {
    await forgetContact(database.db, alive, { by: 'test' });
    const { rows } = await database.db.execute(sql`select from left_mailbox`);
    expect(rows).toEqual([]);
  });
});
