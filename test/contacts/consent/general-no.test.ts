import { expect, it } from 'vitest';
import { changeAddress } from '../../../src/contacts/addresses/change-address.ts';
import { keepGeneralNoBut } from '../../../src/contacts/consent/general-no.ts';
import { optIn, optOut } from '../../../src/contacts/consent/opt-out.ts';
import { createList } from '../../../src/contacts/lists/lists.ts';
import { listOptOut } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();

async function whoLeft(listId: number): Promise<string[]> {
  const rows = await database.db.select().from(listOptOut);
  return rows.filter((row) => row.listId === listId).map(({ emailKey }) => emailKey);
}

it('a "no" to everything but the only list there is holds for the next one, at a new address too, until it is taken back', async () => {
  const { db } = database;
  const [id = 0] = await insertContacts(db, [{ email: 'ann@example.com' }]);
  const only = await insertList(db, [id]);
  await optOut(db, 'ann@example.com');
  await keepGeneralNoBut(db, 'ann@example.com', only.id);
  expect(await whoLeft(only.id)).toEqual([]);
  expect(await whoLeft((await createList(db, 'second')).id)).toEqual(['ann@example.com']);

  await changeAddress(db, 'ann@example.com', 'ann@example.org');
  const third = await createList(db, 'third');
  expect((await whoLeft(third.id)).sort()).toEqual(['ann@example.com', 'ann@example.org']);

  await optIn(db, 'ann@example.org');
  expect(await whoLeft((await createList(db, 'fourth')).id)).toEqual(['ann@example.com']);
});
