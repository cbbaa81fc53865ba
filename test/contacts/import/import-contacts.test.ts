import { describe, expect, it } from 'vitest';
import type { RefusedRow } from '../../../src/contacts/import/import-row.ts';
import { useTestDatabase } from '../../support/database.ts';
import { contactByEmail, insertContacts, membersOf } from '../fixtures.ts';
import { importText, newListName } from './import-text.ts';

const database = useTestDatabase();

describe('an import', () => {
  it('makes contacts with their facets, and members of a list that it makes where there is none', async () => {
    const list = newListName();
    const report = await importText(
      database.db,
      'email,firstName,lastName,language,doNotMarket,consentRevoked,bounceCount,city,Customer since\n' +
        'Ann@New.Example,Ann,Smith,de_AT,yes,0,3,Köln,2020\n' +
        'bob@new.example,,,,,,,,\n',
      { list },
    );
    expect(report).toEqual({
      list,
      listCreated: true,
      read: 2,
      imported: 2,
      created: 2,
      updated: 0,
      duplicates: 0,
      refused: { total: 0, byReason: {}, first: [] },
      warnings: [],
    });
    expect(await contactByEmail(database.db, 'ann@new.example')).toMatchObject({
      email: 'Ann@New.Example',
      emailKey: 'ann@new.example',
      firstName: 'Ann',
      lastName: 'Smith',
      language: 'de-at',
      doNotMarket: true,
      consentRevoked: false,
      bounceCount: 3,
      facets: { city: 'Köln', 'Customer since': '2020' },
    });
    expect(await contactByEmail(database.db, 'bob@new.example')).toMatchObject({
      firstName: '',
      language: '',
      doNotMarket: false,
      consentRevoked: false,
      bounceCount: 0,
      facets: {},
    });
    expect(await membersOf(database.db, list)).toEqual(['Ann@New.Example', 'bob@new.example']);
  });

  it('keeps any text as it is, whatever the database or the transfer gives a meaning', async () => {
    const values = [
      'back\\slash \\N \\. \\t',
      'tab\tinside',
      'two\nlines',
      '"quoted"',
      "it's; drop table contact",
      '{"a":1}',
      '健😀',
      '%s $1',
    ];
    const rows = values.map((value, i) => `text${i}@text.example,"${value.replaceAll('"', '""')}"`);
    expect(await importText(database.db, `email,note\n${rows.join('\n')}\n`)).toMatchObject({
      created: values.length,
    });
    for (const [i, value] of values.entries()) {
      expect((await contactByEmail(database.db, `text${i}@text.example`)).facets).toEqual({ note: value });
    }
  });

  it.each([
    ['commas', ',', '\n', ''],
    ['semicolons', ';', '\r\n', ''],
    ['tabs', '\t', '\n', ''],
    ['a byte order mark', ',', '\r\n', '\ufeff'],
    ['header names in any case and spelling', ',', '\n', ''],
  ])('reads a file with %s', async (what, delimiter, lineEnd, bom) => {
    const header = what.startsWith('header')
      ? ['E-Mail', 'FIRST NAME', 'last_name']
      : ['email', 'firstName', 'lastName'];
    const email = `${what.replaceAll(' ', '-')}@form.example`;
    const text = [header, [email, '"Ann, dear; Ann"', 'Smith']]
      .map((row) => row.join(delimiter))
      .join(lineEnd);
    expect(await importText(database.db, `${bom}${text}`)).toMatchObject({
      created: 1,
      refused: { total: 0 },
    });
    expect(await contactByEmail(database.db, email)).toMatchObject({
      firstName: 'Ann, dear; Ann',
      lastName: 'Smith',
    });
  });

  it('warns of columns that sound like a "no" and leave nobody out', async () => {
    const { warnings } = await importText(
      database.db,
      'email,Opted Out,city,Email_Unsubscribed\nno@warned.example,1,Bonn,1\n',
    );
    expect(warnings.map((warning) => /"(.*?)" was kept as a facet/.exec(warning)?.[1])).toEqual([
      'Opted Out',
      'Email_Unsubscribed',
    ]);
  });

  it('takes a delimiter that is given instead of the one it would find', async () => {
    expect(
      await importText(database.db, 'email;a,b\nx@delimiter.example;1,2\n', { delimiter: ';' }),
    ).toMatchObject({
      created: 1,
    });
    expect((await contactByEmail(database.db, 'x@delimiter.example')).facets).toEqual({ 'a,b': '1,2' });
  });

  it('refuses wrong rows by line with the reason, and imports the rest', async () => {
    const all: RefusedRow[] = [];
    const report = await importText(
      database.db,
      [
        'email,firstName,language,doNotMarket,bounceCount,note',
        'good1@refuse.example,Ann,en,no,0,',
        'short@refuse.example,Ann',
        'not an address,Ann,en,no,0,',
        ',Ann,en,no,0,',
        '"open@refuse.example,Ann,en,no,0,',
        'good2@refuse.example,Ann,en,no,0,"two',
        'lines"',
        'flag@refuse.example,Ann,en,perhaps,0,',
        'language@refuse.example,Ann,english,no,0,',
        'bounces@refuse.example,Ann,en,no,-1,',
        `long@refuse.example,${'x'.repeat(201)},en,no,0,`,
        'lines@refuse.example,"A\nB",en,no,0,',
        'bell@refuse.example,Ann,en,no,0,\u0007',
        'good3@refuse.example,Ann,en,no,0,',
      ].join('\n'),
      {
        onRefused: (row) => {
          all.push(row);
        },
      },
    );
    expect(report).toMatchObject({ read: 13, imported: 3, created: 3, refused: { total: 10 } });
    expect(all).toEqual(report.refused.first);
    expect(all.map(({ line, reason, column }) => [line, reason, column])).toEqual([
      [3, 'wrong-number-of-columns', ''],
      [4, 'bad-address', 'email'],
      [5, 'no-address', 'email'],
      [6, 'bad-quotes', ''],
      [9, 'bad-boolean', 'doNotMarket'],
      [10, 'bad-language', 'language'],
      [11, 'bad-number', 'bounceCount'],
      [12, 'too-long', 'firstName'],
      [13, 'control-character', 'firstName'],
      [15, 'control-character', 'note'],
    ]);
    expect(report.refused.byReason).toMatchObject({ 'bad-address': 1, 'control-character': 2 });
    expect((await contactByEmail(database.db, 'good2@refuse.example')).facets).toEqual({
      note: 'two\nlines',
    });
  });

  it('shows the first 20 refused rows and counts all of them', async () => {
    const report = await importText(database.db, `email\n${'nobody\n'.repeat(500)}ann@many.example\n`);
    expect(report).toMatchObject({
      read: 501,
      imported: 1,
      refused: { total: 500, byReason: { 'bad-address': 500 } },
    });
    expect(report.refused.first).toHaveLength(20);
  });

  it('counts each contact once, as if its rows had been imported one after the other', async () => {
    const list = newListName();
    const report = await importText(
      database.db,
      'email,firstName,lastName,language,doNotMarket,consentRevoked,bounceCount,city,interest\n' +
        'Ann@twice.example,Ann,Old,en,yes,,7,Köln,books\n' +
        'bob@twice.example,Bob,,,,,,,\n' +
        'ann@TWICE.example,Anna,,,no,,2,,music\n' +
        'ANN@twice.example,,New,,,no,,Bonn,\n',
      { list },
    );
    expect(report).toMatchObject({ read: 4, imported: 2, created: 2, updated: 0, duplicates: 2 });
    expect(await contactByEmail(database.db, 'ann@twice.example')).toMatchObject({
      email: 'ANN@twice.example',
      firstName: 'Anna',
      lastName: 'New',
      language: 'en',
      doNotMarket: true,
      consentRevoked: false,
      bounceCount: 7,
      facets: { city: 'Bonn', interest: 'music' },
    });
    expect((await membersOf(database.db, list)).toSorted()).toEqual([
      'ANN@twice.example',
      'bob@twice.example',
    ]);
  });

  it('adds to what is known: what the file leaves empty stays, facets are merged', async () => {
    await insertContacts(database.db, [
      {
        email: 'known@merge.example',
        firstName: 'Ann',
        lastName: 'Old',
        language: 'fr',
        facets: { a: '1', b: '2' },
        updatedAt: new Date('2020-01-01'),
      },
    ]);
    const before = await contactByEmail(database.db, 'known@merge.example');
    const report = await importText(
      database.db,
      'email,firstName,lastName,language,b,c\nKNOWN@merge.example,,New,,3,4\n',
    );
    expect(report).toMatchObject({ imported: 1, created: 0, updated: 1 });
    const after = await contactByEmail(database.db, 'known@merge.example');
    expect(after).toMatchObject({
      id: before.id,
      email: 'KNOWN@merge.example',
      firstName: 'Ann',
      lastName: 'New',
      language: 'fr',
      facets: { a: '1', b: '3', c: '4' },
    });
    expect(after.updatedAt.getTime()).toBeGreaterThan(before.updatedAt.getTime());
  });

  it('of the same file once more changes nothing', async () => {
    const list = newListName();
    const file = 'email,firstName,city\nsame1@again.example,Ann,Köln\nsame2@again.example,Bob,\n';
    await importText(database.db, file, { list });
    const before = await contactByEmail(database.db, 'same1@again.example');
    expect(await importText(database.db, file, { list })).toMatchObject({
      listCreated: false,
      imported: 2,
      created: 0,
      updated: 2,
    });
    expect(await contactByEmail(database.db, 'same1@again.example')).toEqual(before);
    expect(await membersOf(database.db, list)).toHaveLength(2);
  });

  it('of two files with the same people at the same time loses nobody', async () => {
    const file = (reverse: boolean, note: string) => {
      const rows = Array.from({ length: 2_000 }, (_, i) => `race${i}@race.example,${note}`);
      return `email,${note}\n${(reverse ? rows.reverse() : rows).join('\n')}\n`;
    };
    const list = newListName();
    const reports = await Promise.all([
      importText(database.db, file(false, 'a'), { list }),
      importText(database.db, file(true, 'b'), { list }),
      importText(database.db, file(false, 'c'), { list }),
    ]);
    expect(reports.reduce((sum, report) => sum + report.created, 0)).toBe(2_000);
    expect(reports.reduce((sum, report) => sum + report.updated, 0)).toBe(4_000);
    expect(await membersOf(database.db, list)).toHaveLength(2_000);
    expect((await contactByEmail(database.db, 'race77@race.example')).facets).toEqual({
      a: 'a',
      b: 'b',
      c: 'c',
    });
  });
});
