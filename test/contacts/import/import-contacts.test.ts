import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ImportOptions,
  type ImportReport,
  importContacts,
} from '../../../src/contacts/import/import-contacts.ts';
import type { RefusedRow } from '../../../src/contacts/import/import-row.ts';
import { contact, contactList, listMember } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { contactByEmail, insertContacts, membersOf } from '../fixtures.ts';

const database = useTestDatabase();
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exm-import-'));
});
afterAll(async () => {
  rmSync(dir, { recursive: true, force: true });
});

let lists = 0;
const newListName = () => `list ${++lists}`;

function importText(text: string | Buffer, options: Partial<ImportOptions> = {}): Promise<ImportReport> {
  return importContacts(database.db, Readable.from([Buffer.from(text)]), { list: newListName(), ...options });
}

async function counts() {
  const { rows } = await database.db.execute<{ contacts: number; lists: number; members: number }>(sql`
    select (select count(*)::int from ${contact}) as contacts, (select count(*)::int from ${contactList}) as lists,
      (select count(*)::int from ${listMember}) as members`);
  return rows[0];
}

describe('an import', () => {
  it('makes contacts with their facets, and members of a list that it makes where there is none', async () => {
    const list = newListName();
    const report = await importText(
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
    expect(await importText(`email,note\n${rows.join('\n')}\n`)).toMatchObject({ created: values.length });
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
    expect(await importText(`${bom}${text}`)).toMatchObject({ created: 1, refused: { total: 0 } });
    expect(await contactByEmail(database.db, email)).toMatchObject({
      firstName: 'Ann, dear; Ann',
      lastName: 'Smith',
    });
  });

  it('warns of columns that sound like a "no" and leave nobody out', async () => {
    const { warnings } = await importText(
      'email,Opted Out,city,Email_Unsubscribed\nno@warned.example,1,Bonn,1\n',
    );
    expect(warnings.map((warning) => /"(.*?)" was kept as a facet/.exec(warning)?.[1])).toEqual([
      'Opted Out',
      'Email_Unsubscribed',
    ]);
  });

  it('takes a delimiter that is given instead of the one it would find', async () => {
    expect(await importText('email;a,b\nx@delimiter.example;1,2\n', { delimiter: ';' })).toMatchObject({
      created: 1,
    });
    expect((await contactByEmail(database.db, 'x@delimiter.example')).facets).toEqual({ 'a,b': '1,2' });
  });

  it('refuses wrong rows by line with the reason, and imports the rest', async () => {
    const all: RefusedRow[] = [];
    const report = await importText(
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
    const report = await importText(`email\n${'nobody\n'.repeat(500)}ann@many.example\n`);
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
    const report = await importText('email,firstName,lastName,language,b,c\nKNOWN@merge.example,,New,,3,4\n');
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
    await importText(file, { list });
    const before = await contactByEmail(database.db, 'same1@again.example');
    expect(await importText(file, { list })).toMatchObject({
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
      importText(file(false, 'a'), { list }),
      importText(file(true, 'b'), { list }),
      importText(file(false, 'c'), { list }),
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

async function somebodyWaitsForALock(): Promise<boolean> {
  const { rows } = await database.db.execute(sql`
    select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
  return rows.length > 0;
}

describe('a "no" that is known', () => {
  const asksForMail = 'email,doNotMarket,consentRevoked,bounceCount\nno@consent.example,false,0,0\n';
  const saidNo = { email: 'no@consent.example', doNotMarket: true, consentRevoked: true, bounceCount: 9 };
  const consent = async () => {
    const { doNotMarket, consentRevoked, bounceCount } = await contactByEmail(
      database.db,
      'no@consent.example',
    );
    return { doNotMarket, consentRevoked, bounceCount };
  };

  it('stays when a file says otherwise, and when it says nothing', async () => {
    await insertContacts(database.db, [saidNo]);
    await importText(asksForMail);
    await importText('email,doNotMarket,consentRevoked,bounceCount\nno@consent.example,,,\n');
    await importText('email\nno@consent.example\n');
    expect(await consent()).toEqual({ doNotMarket: true, consentRevoked: true, bounceCount: 9 });
  });

  it('stays when the file itself takes it back further down', async () => {
    await importText('email,doNotMarket\nlater@consent.example,yes\nlater@consent.example,no\n');
    expect(await contactByEmail(database.db, 'later@consent.example')).toMatchObject({ doNotMarket: true });
  });

  it('is taken back only where that is asked for', async () => {
    await importText(asksForMail, { allowConsentGrant: true });
    expect(await consent()).toEqual({ doNotMarket: false, consentRevoked: false, bounceCount: 0 });
    await importText('email,doNotMarket\nlater@consent.example,yes\nlater@consent.example,no\n', {
      allowConsentGrant: true,
    });
    expect(await contactByEmail(database.db, 'later@consent.example')).toMatchObject({ doNotMarket: false });
  });

  it('can always be said by a file', async () => {
    await importText('email,doNotMarket,consentRevoked,bounceCount\nno@consent.example,TRUE,Yes,4\n');
    expect(await consent()).toEqual({ doNotMarket: true, consentRevoked: true, bounceCount: 4 });
  });

  it('that is given while an import merges is kept', async () => {
    await insertContacts(database.db, [{ email: 'now@consent.example', firstName: 'Old' }]);
    // The import finds the row locked by somebody who revokes, waits, and must then see the new row.
    const client = await database.db.$client.connect();
    await client.query('begin');
    await client.query(`update contact set consent_revoked = true where email_key = 'now@consent.example'`);
    const importing = importText('email,firstName,consentRevoked\nnow@consent.example,New,no\n');
    await waitFor(somebodyWaitsForALock, { describe: 'the import to wait for the row' });
    await client.query('commit');
    client.release();
    await importing;
    expect(await contactByEmail(database.db, 'now@consent.example')).toMatchObject({
      firstName: 'New',
      consentRevoked: true,
    });
  });
});

describe('a file that cannot be imported', () => {
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'imported',
      (error) => error.code,
    );

  it('is refused before anything is written', async () => {
    const before = await counts();
    const head = `email\n${Array.from({ length: 9_000 }, (_, i) => `a${i}@half.example\n`).join('')}`;
    const wrong: [Buffer | string, string][] = [
      ['', 'CSV_EMPTY'],
      ['\n \r\n\n', 'CSV_EMPTY'],
      ['firstName,lastName\nAnn,Smith\n', 'CSV_NO_EMAIL_COLUMN'],
      ['email,Email\na@b.example,a@b.example\n', 'CSV_COLUMN_TWICE'],
      ['email,first name,firstName\n', 'CSV_COLUMN_TWICE'],
      ['email,,b\n', 'CSV_HEADER'],
      ['email,__proto__\n', 'CSV_HEADER'],
      [`email,${Array.from({ length: 200 }, (_, i) => `c${i}`).join(',')}\n`, 'CSV_HEADER'],
      ['"email,name\n', 'CSV_HEADER'],
      [Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0x0a])]), 'CSV_NOT_UTF8'],
      [Buffer.concat([Buffer.from(head), Buffer.from([0x00, 0x0a])]), 'CSV_BINARY'],
    ];
    for (const [content, code] of wrong) expect(await codeOf(importText(content))).toBe(code);
    expect(await codeOf(importText('email\n', { list: '' }))).toBe('LIST_NAME');
    expect(await codeOf(importText('email\n', { list: 'a\nb' }))).toBe('LIST_NAME');
    expect(await codeOf(importText('email\n', { list: 'x'.repeat(101) }))).toBe('LIST_NAME');
    expect(await counts()).toEqual(before);
  });

  it('is named: missing, a directory, or with the line and column that are wrong', async () => {
    const path = join(dir, 'contacts.csv');
    const from = (input: string) => importContacts(database.db, input, { list: newListName() });
    await expect(from(path)).rejects.toMatchObject({ code: 'FILE_MISSING', value: path });
    mkdirSync(join(dir, 'folder'));
    await expect(from(join(dir, 'folder'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
    writeFileSync(path, 'firstName;city\nAnn;Köln\n');
    await expect(from(path)).rejects.toMatchObject({
      code: 'CSV_NO_EMAIL_COLUMN',
      field: `${path}:1`,
      value: 'firstName, city',
    });
  });

  it('leaves nothing when it breaks off or is broken off', async () => {
    const before = await counts();
    async function* breaks() {
      yield Buffer.from('email\na@broken.example\n');
      await Promise.resolve();
      throw new Error('the disk went away');
    }
    await expect(
      importContacts(database.db, Readable.from(breaks()), { list: newListName() }),
    ).rejects.toThrow('the disk went away');

    const controller = new AbortController();
    async function* endless() {
      yield Buffer.from('email\n');
      for (let i = 0; ; i++) {
        yield Buffer.from(`a${i}@endless.example\n`);
        if (i === 5_000) controller.abort(new Error('enough'));
      }
    }
    await expect(
      importContacts(database.db, Readable.from(endless()), {
        list: newListName(),
        signal: controller.signal,
      }),
    ).rejects.toThrow('enough');

    // The first is broken off before anything was read.
    for (const afterMs of [0, 100]) {
      const silent = new Readable({ read() {} });
      silent.push('email\n');
      await expect(
        importContacts(database.db, silent, { list: newListName(), signal: AbortSignal.timeout(afterMs) }),
      ).rejects.toMatchObject({ name: 'TimeoutError' });
    }
    expect(await counts()).toEqual(before);
  });

  it('leaves nothing when the database breaks the connection off', async () => {
    const before = await counts();
    async function* cutOff() {
      yield Buffer.from('email\n');
      for (let i = 0; ; i++) {
        yield Buffer.from(`a${i}@cut.example\n`.repeat(100));
        if (i !== 500) continue;
        await database.db.execute(sql`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and query like 'copy import_row%'`);
      }
    }
    await expect(
      importContacts(database.db, Readable.from(cutOff()), { list: newListName() }),
    ).rejects.toThrow();
    expect(await counts()).toEqual(before);
  });

  it('does not hold up the next one', async () => {
    await importText(Buffer.from([0x61, 0xff, 0x0a])).catch(() => undefined);
    for (let i = 0; i < 10; i++) await importText('').catch(() => undefined);
    expect(await importText('email\nnext@good.example\n')).toMatchObject({ created: 1 });
  });
});
