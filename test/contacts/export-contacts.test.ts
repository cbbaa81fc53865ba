import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { exportOptOuts, exportSuppression } from '../../src/contacts/consent/export-refusals.ts';
import { keepGeneralNoBut } from '../../src/contacts/consent/general-no.ts';
import { refusalsOf } from '../../src/contacts/consent/refusals.ts';
import { exportContacts } from '../../src/contacts/export-contacts.ts';
import { importContacts } from '../../src/contacts/import/import-contacts.ts';
import { importOptOuts } from '../../src/contacts/import/import-opt-outs.ts';
import { importSuppression } from '../../src/contacts/import/import-suppression.ts';
import { createList } from '../../src/contacts/lists/lists.ts';
import { upsertContact } from '../../src/contacts/upsert-contact.ts';
import type { Database } from '../../src/db/connect.ts';
import { contactList, facet, globalOptOut } from '../../src/db/schema.ts';
import { useTestDatabase } from '../support/database.ts';
import { insertContacts, insertList } from './fixtures.ts';

const one = useTestDatabase();
const other = useTestDatabase();

/** What an export writes. */
async function written(run: (write: (text: string) => Promise<void>) => Promise<number>): Promise<string> {
  let text = '';
  const count = await run(async (part) => {
    text += part;
  });
  expect(text.split('\n').length).toBeGreaterThan(count);
  return text;
}
const csvOf = async (db: Database, options: Parameters<typeof exportContacts>[2] = {}) =>
  await written((write) => exportContacts(db, write, options));

describe('an export of contacts', () => {
  it('that is imported into an empty database and exported again is the same text', async () => {
    const values = [
      'plain',
      'a,b;c\td',
      'he said "no"',
      'two\nlines',
      'three\r\nlines\r\n"quoted"',
      '=HYPERLINK("http://evil.example";"x")',
      '+1',
      '-1',
      '@x',
      "'=1",
      '\\N',
      '\\.',
      '""',
      'NULL',
      'Ünïcödé 😀',
      '0',
      'false',
    ];
    await insertContacts(one.db, [
      ...values.map((value, index) => ({
        email: `p${index}@round.example`,
        firstName: value.replace(/[\r\n\t]+/g, ' '),
        facets: { note: value, 'second, "note"': `${index}` },
      })),
      { email: 'Mixed@Case.example', lastName: 'O’Neil', language: 'de-at' },
      { email: 'ann@bücher.example', doNotMarket: true, bounceCount: 3 },
      { email: 'no@round.example', consentRevoked: true, facets: { Zip: '00123' } },
      { email: 'racer@round.example', facets: { constructor: 'Lotus' } },
    ]);
    const csv = await csvOf(one.db);
    expect(csv.split('\n')[0]).toBe(
      'email,firstName,lastName,language,doNotMarket,consentRevoked,bounceCount,Zip,constructor,note,"second, ""note"""',
    );
    const report = await importContacts(other.db, Readable.from([csv]), { list: 'all' });
    expect(report).toMatchObject({ created: 21, refused: { total: 0 } });
    expect(await csvOf(other.db)).toBe(csv);
    // What was known as no facet at all is none again.
    expect(
      await other.db.query.contact.findFirst({ where: (row, { eq }) => eq(row.email, 'Mixed@Case.example') }),
    ).toMatchObject({ facets: {} });
    // By blocks that cut it anywhere.
    const again = await importContacts(other.db, Readable.from(csv.match(/.{1,7}/gsu) ?? []), {
      list: 'all',
    });
    expect(again).toMatchObject({ updated: 21, refused: { total: 0 } });
    expect(await csvOf(other.db)).toBe(csv);
  });

  it('for a spreadsheet has no value that one takes for a formula', async () => {
    const text = await csvOf(one.db, { forSpreadsheet: true });
    expect(text).toContain(`"'=HYPERLINK(""http://evil.example"";""x"")"`);
    expect(text).not.toMatch(/(?:^|,)"?[=+@-]/m);
  });

  it('has typed values exactly, for an import where the facets have the same types', async () => {
    const list = await insertList(one.db, []);
    const csv = `email,firstName,lastName,language,doNotMarket,consentRevoked,bounceCount,born,member,worth
a@typed.example,,,,false,false,0,2000-02-29,true,0.0000001
b@typed.example,,,,false,false,0,,false,-123456789012345.123456789012345
`;
    for (const { db } of [one, other]) {
      await db.insert(facet).values([
        { name: 'worth', type: 'number' },
        { name: 'member', type: 'boolean' },
        { name: 'born', type: 'date' },
      ]);
      const report = await importContacts(db, Readable.from([csv]), { list: list.name });
      expect(report.refused.total).toBe(0);
      expect((await csvOf(db, { list: list.name })).split('\n').sort()).toEqual(csv.split('\n').sort());
    }
  });

  it('of a list has its members alone, also where a rule says who they are, as NDJSON with types', async () => {
    const [young = 0, old = 0] = await insertContacts(one.db, [
      { email: 'young@list.example', facets: { age: 20, member: true } },
      { email: 'old@list.example', facets: { age: 70 } },
      { email: 'else@list.example' },
    ]);
    const list = await insertList(one.db, [young, old]);
    const lines = async (name: string) =>
      (await csvOf(one.db, { list: name, format: 'ndjson' }))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { email: string });
    expect((await lines(list.name)).map(({ email }) => email)).toEqual([
      'old@list.example',
      'young@list.example',
    ]);
    expect((await lines(list.name))[1]).toEqual({
      email: 'young@list.example',
      firstName: '',
      lastName: '',
      language: '',
      doNotMarket: false,
      consentRevoked: false,
      bounceCount: 0,
      facets: { age: 20, member: true },
    });
    await one.db.insert(contactList).values({ name: 'no market', expression: 'contact.doNotMarket' });
    await expect(csvOf(one.db, { list: 'no such' })).rejects.toMatchObject({ code: 'LIST_UNKNOWN' });
  });

  it('is refused as CSV where no import would take it', async () => {
    await upsertContact(one.db, { email: 'a@twice.example', facets: { City: 'Bonn' } });
    await upsertContact(one.db, { email: 'b@twice.example', facets: { city: 'Bonn' } });
    await expect(csvOf(one.db)).rejects.toMatchObject({ code: 'EXPORT_COLUMNS' });
    expect(await csvOf(one.db, { format: 'ndjson' })).toContain('"City":"Bonn"');
    await upsertContact(one.db, { email: 'a@twice.example', facets: { City: null } });
    const long = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`f${index}`, '"'.repeat(3_900)]),
    );
    await upsertContact(one.db, { email: 'long@twice.example', facets: long });
    await expect(csvOf(one.db)).rejects.toMatchObject({ code: 'EXPORT_ROW', value: 'long@twice.example' });
  });
});

describe('opt-outs and suppressed addresses', () => {
  it('come from a file, keep their first date and reason, and go to one that is the same', async () => {
    const list = await createList(one.db, 'news');
    const csv = [
      'Email,List,Reason,Since',
      'Ann@Example.com,,asked,2020-01-02T03:04:05.678Z',
      'bob@example.com,news,"not, this",2021-01-01T00:00:00.000Z',
      'bob@example.com,news,twice,',
      'carl@example.com,,,yesterday',
      'dora@example.com,no such list,,',
      'nobody,,,',
      '',
    ].join('\n');
    const options = { reason: 'from elsewhere' };
    const report = await importOptOuts(one.db, Readable.from([csv]), options);
    expect(report).toMatchObject({
      read: 6,
      added: 3,
      known: 1,
      refused: { total: 2, byReason: { 'unknown-list': 1, 'bad-address': 1 } },
    });
    const text = await written((write) => exportOptOuts(one.db, write));
    expect(text).toMatch(
      /^email,list,reason,since\nann@example\.com,,asked,2020-01-02T03:04:05\.678Z\nbob@example\.com,news,"not, this",2021-01-01T00:00:00\.000Z\ncarl@example\.com,,from elsewhere,20/,
    );
    await createList(other.db, list.name);
    expect(await importOptOuts(other.db, Readable.from([text]), options)).toMatchObject({
      added: 3,
      known: 0,
    });
    expect(await written((write) => exportOptOuts(other.db, write))).toBe(text);
    expect(await importOptOuts(other.db, Readable.from([text]), options)).toMatchObject({
      added: 0,
      known: 3,
    });
    expect(await written((write) => exportOptOuts(other.db, write, 'news'))).toBe(
      'email,list,reason,since\nbob@example.com,news,"not, this",2021-01-01T00:00:00.000Z\n',
    );

    const named = await importOptOuts(
      other.db,
      Readable.from(['email,since\neve@example.com,0000-01-01\n']),
      {
        ...options,
        list: 'news',
      },
    );
    expect(named).toMatchObject({ added: 1 });
    await expect(
      importOptOuts(other.db, Readable.from(['email\n']), { ...options, list: 'nws' }),
    ).rejects.toMatchObject({ code: 'LIST_UNKNOWN' });

    const suppressed = 'email,cause,reason,since\nx@example.com,import,spam trap,2020-01-01T00:00:00.000Z\n';
    expect(await importSuppression(one.db, Readable.from([suppressed]), options)).toMatchObject({ added: 1 });
    expect(await written((write) => exportSuppression(one.db, write))).toBe(suppressed);
  });

  it('to everything but some lists hold elsewhere for the lists that are made later, too', async () => {
    const key = 'choosy@example.com';
    await one.db.insert(globalOptOut).values({ emailKey: key, reason: 'by hand' });
    const [autumn] = await one.db.insert(contactList).values({ name: 'autumn' }).returning();
    await createList(other.db, 'autumn');
    await one.db.transaction(async (tx) => await keepGeneralNoBut(tx, key, [autumn?.id ?? 0]));
    const text = (await written((write) => exportOptOuts(one.db, write)))
      .split('\n')
      .filter((line, index) => index === 0 || line.startsWith(key))
      .join('\n');
    const options = { reason: 'from elsewhere' };
    const { added } = await importOptOuts(other.db, Readable.from([text]), options);
    expect(await importOptOuts(other.db, Readable.from([text]), options)).toMatchObject({
      added: 0,
      known: added,
    });
    await createList(other.db, 'made later');
    const { listOptOuts, globalOptOut: ofAll } = await refusalsOf(other.db, key);
    const left = listOptOuts.map(({ list }) => list);
    expect([ofAll, left.includes('autumn'), left.includes('made later')]).toEqual([null, false, true]);
    await expect(createList(other.db, '*')).rejects.toMatchObject({ code: 'LIST_NAME' });
  });

  it('come by the hundred thousand, all or none of them', async () => {
    const many = Array.from({ length: 20_000 }, (_, index) => `u${index}@many.example`).join('\n');
    const broken = Readable.from([`email\n${many}\n`, Buffer.from([0xff, 0x0a])]);
    await expect(importSuppression(other.db, broken, { reason: 'x' })).rejects.toMatchObject({
      code: 'CSV_NOT_UTF8',
    });
    expect(await written((write) => exportSuppression(other.db, write))).toBe('email,cause,reason,since\n');
    expect(
      await importSuppression(other.db, Readable.from([`email\n${many}\n`]), { reason: 'x' }),
    ).toMatchObject({ added: 20_000 });
    expect((await written((write) => exportSuppression(other.db, write))).split('\n')).toHaveLength(20_002);
  });
});
