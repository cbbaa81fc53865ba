import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { generalNoReason } from '../../../src/contacts/consent/general-no.ts';
import { optOutOfList } from '../../../src/contacts/consent/list-opt-out.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { addToList, removeFromList } from '../../../src/contacts/lists/list-members.ts';
import { setListTitle } from '../../../src/contacts/lists/list-title.ts';
import { removeList, removeSegment } from '../../../src/contacts/lists/list-use.ts';
import { createList, listLists, showList } from '../../../src/contacts/lists/lists.ts';
import {
  countMembers,
  createSegment,
  listSegments,
  sampleMembers,
  setSegment,
  showSegment,
} from '../../../src/contacts/segments/segments.ts';
import { facet } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { insertCampaign, insertContacts, insertList, membersOf } from '../fixtures.ts';

const database = useTestDatabase();
const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

async function refusalOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    const { code, message, hint } = error as { code: string; message: string; hint: string };
    return `${code} ${message} ${hint}`;
  }
  return 'accepted';
}

describe('a segment', () => {
  it('stands among the lists by its name, and tells who is in it now', async () => {
    const { db } = database;
    await insertContacts(db, [
      { email: 'ann@example.com', firstName: 'Ann', language: 'de' },
      { email: 'bob@example.com', language: 'en' },
      { email: 'cid@example.com', language: 'de', doNotMarket: true },
    ]);
    const saved = await createSegment(db, 'germans', 'contact.language == "de"');
    expect(saved).toMatchObject({ name: 'germans', expression: 'contact.language == "de"', warnings: [] });
    expect(await countMembers(db, saved.expression)).toBe(2);
    expect(await sampleMembers(db, saved.expression, 1)).toMatchObject([{ email: 'ann@example.com' }]);
    expect(await listLists(db)).toContainEqual(
      expect.objectContaining({ name: 'germans', kind: 'segment', members: null }),
    );
    expect(await showList(db, 'germans', settings, 5)).toMatchObject({
      kind: 'segment',
      members: 2,
      reachable: 1,
      excluded: { 'do-not-market': 1 },
      sample: [{ email: 'ann@example.com' }, { email: 'cid@example.com' }],
    });
    expect(await refusalOf(createList(db, 'germans'))).toContain('LIST_EXISTS');
    await setSegment(db, 'germans', 'contact.language == "en"');
    await setListTitle(db, 'germans', ' News ');
    const campaign = await insertCampaign(db, { include: [saved.id] });
    expect(await showSegment(db, 'germans')).toMatchObject({
      expression: 'contact.language == "en"',
      title: 'News',
      campaigns: [campaign],
    });
    expect((await listSegments(db)).map(({ name }) => name)).toEqual(['germans']);
  });

  it('is refused where it names what is not there, or takes a facet for what it is not', async () => {
    const { db } = database;
    await insertContacts(db, [
      { email: 'dan@example.com', facets: { city: 'Rome', age: 5, born: '2000-01-01', vip: true } },
    ]);
    await db.insert(facet).values([
      { name: 'age', type: 'number' },
      { name: 'born', type: 'date' },
      { name: 'vip', type: 'boolean' },
    ]);
    await createList(db, 'customers');
    await createSegment(db, 'somebody', 'true');
    const campaign = await insertCampaign(db, {});
    const refused = async (expression: string) => await refusalOf(createSegment(db, 'wrong', expression));
    expect(await refused('"custmoers" in contact.lists')).toMatch(
      /character 1: the condition asks for a list "custmoers", which there is not. Did you mean "customers"\?/,
    );
    expect(await refused('"somebody" in contact.lists')).toMatch(/which is a segment itself/);
    expect(await refused(`opens("${campaign}") == 0 && opens("nothing") == 0`)).toMatch(
      /asks for a campaign "nothing"/,
    );
    expect(await refused('contact.facets.age == "5"')).toMatch(
      /takes the facet "age" for text, but it is a number/,
    );
    expect(await refused('contact.facets.city > 5')).toMatch(
      /but it is text. Write double\(contact.facets.city\)/,
    );
    expect(await refused('contact.facets.city')).toMatch(/exm facet set city --type boolean/);
    expect(await refused('contact.facets.born == "2000-01-01"')).toMatch(
      /but it is a day. Compare it with date/,
    );
    expect(await refused('contact.facets.vip == "true"')).toMatch(/but it is true or false/);
    const kept = await createSegment(
      db,
      'right',
      'contact.facets.age > 3 && double(contact.facets.age) < 6 && contact.facets.vip && contact.facets.born < today() && contact.facets.ctiy != "x"',
    );
    expect(kept.warnings).toEqual(['no contact has the facet "ctiy". Did you mean "city"?']);
  });

  it('takes nobody by an import or by hand', async () => {
    const { db } = database;
    await createSegment(db, 'everybody', 'true');
    const rows = Readable.from(['email\nnew@example.com\n']);
    expect(await refusalOf(importContacts(db, rows, { list: 'everybody' }))).toContain('LIST_SEGMENTED');
    expect(await refusalOf(addToList(db, 'everybody', 'ann@example.com'))).toContain('LIST_SEGMENTED');
    expect(await refusalOf(removeSegment(db, 'customers'))).toContain('LIST_STATIC');
  });
});

describe('a list', () => {
  it('that something uses is not removed, and what uses it is named', async () => {
    const { db } = database;
    const used = await insertList(db, []);
    const campaign = await insertCampaign(db, { exclude: [used.id] });
    expect(await refusalOf(removeList(db, used.name))).toMatch(
      new RegExp(`LIST_USED .* Campaigns: ${campaign}\\.`),
    );
    const asked = await insertList(db, []);
    await createSegment(db, 'asking', `!("${asked.name}" in contact.lists)`);
    expect(await refusalOf(removeList(db, asked.name))).toContain('Segments: asking.');
    await removeSegment(db, 'asking');
    await removeList(db, asked.name);
    expect((await listLists(db)).map(({ name }) => name)).not.toContain(asked.name);
  });

  it('that somebody has opted out of is removed only where that is said', async () => {
    const { db } = database;
    const left = await insertList(db, []);
    await optOutOfList(db, 'ann@example.com', left.name);
    expect(await refusalOf(removeList(db, left.name))).toMatch(/LIST_OPT_OUTS .*1 address has opted out/);
    await removeList(db, left.name, { withOptOuts: true });
    // A "no" to everything holds for the next list, too: it is not lost.
    const other = await insertList(db, []);
    await optOutOfList(db, 'ann@example.com', other.name, generalNoReason);
    await removeList(db, other.name);
  });

  it('is joined and left by hand', async () => {
    const { db } = database;
    const list = await insertList(db, []);
    expect(await addToList(db, list.name, 'Ann@Example.com')).toMatchObject({ member: true, changed: true });
    expect(await addToList(db, list.name, 'ann@example.com')).toMatchObject({ member: true, changed: false });
    expect(await membersOf(db, list.name)).toEqual(['ann@example.com']);
    expect(await refusalOf(addToList(db, list.name, 'nobody@example.com'))).toContain('CONTACT_UNKNOWN');
    expect(await removeFromList(db, list.name, 'ann@example.com')).toMatchObject({
      member: false,
      changed: true,
    });
    expect(await removeFromList(db, list.name, 'nobody@example.com')).toMatchObject({ changed: false });
    expect(await membersOf(db, list.name)).toEqual([]);
  });
});
