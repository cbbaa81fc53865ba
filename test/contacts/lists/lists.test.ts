import { describe, expect, it } from 'vitest';
import { optOutOfList } from '../../../src/contacts/consent/list-opt-out.ts';
import { optOut } from '../../../src/contacts/consent/opt-out.ts';
import { createList, findList, listLists, showList } from '../../../src/contacts/lists/lists.ts';
import { useTestDatabase } from '../../support/database.ts';
import { insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();

const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

describe('a list', () => {
  it('has a name of 1 to 100 characters without control characters', async () => {
    for (const name of ['', '   ', 'a\nb', 'a\u0000', 'x'.repeat(101)]) {
      await expect(createList(database.db, name)).rejects.toMatchObject({ code: 'LIST_NAME', exitCode: 2 });
    }
    expect(await createList(database.db, '😀'.repeat(100))).toMatchObject({ name: '😀'.repeat(100) });
    expect(await createList(database.db, '  Kunden München ')).toMatchObject({ name: 'Kunden München' });
  });

  it('is refused where its name is taken, however the name is composed', async () => {
    await createList(database.db, 'café');
    await expect(createList(database.db, ' cafe\u0301')).rejects.toMatchObject({
      code: 'LIST_EXISTS',
      exitCode: 3,
    });
  });

  it('that is unknown is answered with names that are near', async () => {
    await createList(database.db, 'customers');
    const search = findList(database.db, 'custmoers');
    await expect(search).rejects.toMatchObject({ code: 'LIST_UNKNOWN', exitCode: 2 });
    await expect(search).rejects.toThrow('There is no list "custmoers". Did you mean "customers"');
  });

  it('shows its members by language, who could get mail, and why others could not', async () => {
    const ids = await insertContacts(database.db, [
      { email: 'a@example.com', firstName: 'Ann', lastName: 'A', language: 'de' },
      { email: 'b@example.com', language: 'de' },
      { email: 'c@example.com', language: 'fr', doNotMarket: true },
      { email: 'd@example.com' },
    ]);
    await optOut(database.db, 'd@example.com');
    const list = await insertList(database.db, ids);
    const report = await showList(database.db, list.name, settings, 2);
    expect(report).toMatchObject({
      name: list.name,
      members: 4,
      reachable: 2,
      excluded: { 'do-not-market': 1, 'global-opt-out': 1 },
      languages: [
        { language: 'de', members: 2 },
        { language: '', members: 1 },
        { language: 'fr', members: 1 },
      ],
      sample: [
        { email: 'a@example.com', firstName: 'Ann', lastName: 'A', language: 'de' },
        { email: 'b@example.com', firstName: '', lastName: '', language: 'de' },
      ],
    });
    expect(await listLists(database.db)).toContainEqual({
      name: list.name,
      kind: 'static',
      title: null,
      members: 4,
      createdAt: report.createdAt,
    });
  });

  it('counts who has opted out of it, as a reason and altogether', async () => {
    const ids = await insertContacts(database.db, [
      { email: 'e@example.com' },
      { email: 'f@example.com' },
      { email: 'g@example.com', doNotMarket: true },
    ]);
    const list = await insertList(database.db, ids);
    const other = await insertList(database.db, ids);
    for (const name of ['f', 'g', 'stranger']) {
      await optOutOfList(database.db, `${name}@example.com`, list.name);
    }
    expect(await showList(database.db, list.name, settings, 0)).toMatchObject({
      members: 3,
      reachable: 1,
      excluded: { 'do-not-market': 1, 'list-opt-out': 1 },
      optedOut: 3,
    });
    expect(await showList(database.db, other.name, settings, 0)).toMatchObject({ reachable: 2, optedOut: 0 });
  });

  it('may be empty', async () => {
    await createList(database.db, 'nobody');
    expect(await showList(database.db, 'nobody', settings, 10)).toMatchObject({
      members: 0,
      reachable: 0,
      excluded: {},
      languages: [],
      sample: [],
    });
  });
});
