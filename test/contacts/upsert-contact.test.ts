import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { emailKey } from '../../src/contacts/addresses/email-address.ts';
import { upsertContact } from '../../src/contacts/upsert-contact.ts';
import { contactList, facet } from '../../src/db/schema.ts';
import { useTestDatabase } from '../support/database.ts';
import { contactByEmail, insertContacts, insertList, membersOf } from './fixtures.ts';

const database = useTestDatabase();

describe('a contact that is set by its address', () => {
  it('is made once, and changed by what is said: what is left out stays, null takes away', async () => {
    const list = await insertList(database.db, []);
    const made = await upsertContact(database.db, {
      email: ' Ann@Example.com',
      firstName: ' Ann ',
      lastName: 'Smith',
      language: 'DE_at',
      facets: { city: 'Köln', tier: 'gold' },
      lists: [list.name],
    });
    expect(made).toMatchObject({ email: 'Ann@Example.com', created: true, changed: true, kept: [] });
    expect(await membersOf(database.db, list.name)).toEqual(['Ann@Example.com']);

    const again = { email: 'ann@example.com', lastName: null, facets: { city: 'Bonn', tier: null } };
    expect(await upsertContact(database.db, again)).toMatchObject({
      id: made.id,
      created: false,
      changed: true,
    });
    expect(await upsertContact(database.db, again)).toMatchObject({ changed: false });
    expect(await contactByEmail(database.db, 'ann@example.com')).toMatchObject({
      id: made.id,
      firstName: 'Ann',
      lastName: '',
      language: 'de-at',
      facets: { city: 'Bonn' },
      doNotMarket: false,
    });
  });

  it('keeps a "no" that is not taken back by name, and says so', async () => {
    const said = { doNotMarket: false, consentRevoked: false, bounceCount: 0 };
    await insertContacts(database.db, [
      { email: 'no@example.com', doNotMarket: true, consentRevoked: true, bounceCount: 6 },
    ]);
    expect(await upsertContact(database.db, { email: 'no@example.com', ...said })).toMatchObject({
      changed: false,
      kept: ['doNotMarket', 'consentRevoked', 'bounceCount'],
    });
    expect(await contactByEmail(database.db, 'no@example.com')).toMatchObject({
      doNotMarket: true,
      consentRevoked: true,
      bounceCount: 6,
    });
    const granted = await upsertContact(
      database.db,
      { email: 'no@example.com', ...said },
      { allowConsentGrant: true },
    );
    expect(granted).toMatchObject({ changed: true, kept: [] });
    expect(await contactByEmail(database.db, 'no@example.com')).toMatchObject(said);
  });

  it('is refused as a whole where anything is wrong with it', async () => {
    await database.db.insert(facet).values({ name: 'age', type: 'number' });
    await database.db.insert(contactList).values({ name: 'young', expression: 'contact.facets.age < 30.0' });
    const email = 'wrong@example.com';
    const cases: [object, string][] = [
      [{ email: 'nobody' }, 'ADDRESS_WRONG'],
      [{ email, firstName: 'x'.repeat(201) }, 'CONTACT_VALUE'],
      [{ email, firstName: 'a\u0007b' }, 'CONTACT_VALUE'],
      [{ email, language: 'german' }, 'CONTACT_VALUE'],
      [{ email, bounceCount: -1 }, 'CONTACT_VALUE'],
      [{ email, facets: { 'first name': 'x' } }, 'CONTACT_VALUE'],
      [{ email, facets: { age: 'old' } }, 'CONTACT_VALUE'],
      [{ email, facets: { note: 'x'.repeat(4_001) } }, 'CONTACT_VALUE'],
      [{ email, lists: ['no such list'] }, 'LIST_UNKNOWN'],
      [{ email, lists: ['young'] }, 'LIST_SEGMENTED'],
    ];
    for (const [given, code] of cases) {
      await expect(
        upsertContact(database.db, given as { email: string }),
        JSON.stringify(given),
      ).rejects.toMatchObject({ code });
    }
    await expect(contactByEmail(database.db, email)).rejects.toThrow('there is no contact');
    expect(
      await upsertContact(database.db, { email, facets: { age: ' 31', note: ' \u00a0' } }),
    ).toMatchObject({
      created: true,
    });
    expect(await contactByEmail(database.db, email)).toHaveProperty('facets', { age: 31 });
  });

  it('is made once by many at the same moment', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        upsertContact(database.db, { email: 'race@example.com', facets: { [`f${index}`]: 'x' } }),
      ),
    );
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    const found = await database.db.query.contact.findFirst({
      where: (row) => eq(row.emailKey, emailKey('race@example.com')),
    });
    expect(Object.keys(found?.facets ?? {})).toHaveLength(8);
  });
});
