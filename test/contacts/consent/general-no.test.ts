import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { changeAddress, changeAddressIn } from '../../../src/contacts/addresses/change-address.ts';
import { keepGeneralNoBut } from '../../../src/contacts/consent/general-no.ts';
import { optIn, optOut } from '../../../src/contacts/consent/opt-out.ts';
import { createList, insertList as insertNewList } from '../../../src/contacts/lists/lists.ts';
import type { Queries } from '../../../src/db/connect.ts';
import { listOptOut } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
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
  await keepGeneralNoBut(db, 'ann@example.com', [only.id]);
  expect(await whoLeft(only.id)).toEqual([]);
  expect(await whoLeft((await createList(db, 'second')).id)).toEqual(['ann@example.com']);

  await changeAddress(db, 'ann@example.com', 'ann@example.org');
  const third = await createList(db, 'third');
  expect((await whoLeft(third.id)).sort()).toEqual(['ann@example.com', 'ann@example.org']);

  await optIn(db, 'ann@example.org');
  expect(await whoLeft((await createList(db, 'fourth')).id)).toEqual(['ann@example.com']);
});

describe('a list that is made at the very moment', () => {
  /** Begins to make a list while the work is done and not committed yet, as another process does. @returns who is opted out of it */
  async function whileMaking(work: (tx: Queries) => Promise<unknown>): Promise<string[]> {
    const { db } = database;
    const making = await db.transaction(async (tx) => {
      await work(tx);
      const created = createList(db, `made meanwhile ${randomUUID()}`);
      // It waits, or it is through: what it saw is decided by then.
      await Promise.race([created, waitFor(waitsForLock, { timeoutMs: 10_000 })]);
      return { created };
    });
    return await whoLeft((await making.created).id);
  }

  async function waitsForLock(): Promise<boolean> {
    const { rows } = await database.db.execute(sql`
      select from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`);
    return rows.length > 0;
  }

  it('somebody subscribes to one list alone is opted out of', async () => {
    const { db } = database;
    const only = await insertList(db, await insertContacts(db, [{ email: 'bea@example.com' }]));
    await optOut(db, 'bea@example.com');
    expect(
      await whileMaking(async (tx) => await keepGeneralNoBut(tx, 'bea@example.com', [only.id])),
    ).toContain('bea@example.com');
  });

  it('somebody who did changes their address is opted out of by the new one, too', async () => {
    const { db } = database;
    const only = await insertList(db, await insertContacts(db, [{ email: 'cid@example.com' }]));
    await optOut(db, 'cid@example.com');
    await keepGeneralNoBut(db, 'cid@example.com', [only.id]);
    const left = await whileMaking(
      async (tx) => await changeAddressIn(tx, 'cid@example.com', 'cid@example.org'),
    );
    expect(left).toEqual(expect.arrayContaining(['cid@example.com', 'cid@example.org']));
  });

  it('somebody subscribes is known to them where it was made first', async () => {
    const { db } = database;
    const only = await insertList(db, await insertContacts(db, [{ email: 'dan@example.com' }]));
    await optOut(db, 'dan@example.com');
    const subscribing = await db.transaction(async (tx) => {
      const { id } = await insertNewList(tx, `first ${randomUUID()}`, null);
      const done = db.transaction(
        async (other) => await keepGeneralNoBut(other, 'dan@example.com', [only.id]),
      );
      await Promise.race([done, waitFor(waitsForLock, { timeoutMs: 10_000 })]);
      return { done, id };
    });
    await subscribing.done;
    expect(await whoLeft(subscribing.id)).toContain('dan@example.com');
  });
});
