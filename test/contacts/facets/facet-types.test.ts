import { Readable } from 'node:stream';
import { eq } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { listFacets, setFacetType } from '../../../src/contacts/facets/set-facet-type.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { createSegment } from '../../../src/contacts/segments/segments.ts';
import { contact, facet } from '../../../src/db/schema.ts';
import type { FacetType } from '../../../src/domain/facet.ts';
import { useTestDatabase } from '../../support/database.ts';
import { contactByEmail, insertContacts } from '../fixtures.ts';

const database = useTestDatabase();

const facetsOf = async (email: string) => (await contactByEmail(database.db, email)).facets;

async function valuesOf(name: string): Promise<unknown[]> {
  const rows = await database.db.select({ facets: contact.facets }).from(contact).orderBy(contact.id);
  return rows.flatMap(({ facets }) => (name in facets ? [facets[name]] : []));
}

async function withValues(name: string, values: readonly (string | number | boolean)[]): Promise<void> {
  await insertContacts(
    database.db,
    values.map((value, index) => ({
      email: `${name}${index}@example.com`,
      facets: { [name]: value, other: 'x' },
    })),
  );
}

describe('the type of a facet', () => {
  it.each<[FacetType, string[], unknown[]]>([
    ['number', ['42', '-3.5', '0', '0.10', ''], [42, -3.5, 0, 0.1]],
    ['boolean', ['true', 'false'], [true, false]],
    ['date', ['2026-01-31', '2024-02-29'], ['2026-01-31', '2024-02-29']],
  ])('%s converts the values of everybody, and back to text', async (type, texts, values) => {
    const name = `some ${type}`;
    await withValues(name, texts);
    expect(await setFacetType(database.db, name, type)).toMatchObject({
      changed: true,
      converted: texts.length,
    });
    expect(await valuesOf(name)).toEqual(values);
    expect(await listFacets(database.db)).toContainEqual({ name, type, contacts: values.length });
    expect(await setFacetType(database.db, name, type)).toMatchObject({ changed: false });
    await setFacetType(database.db, name, 'text');
    expect(await valuesOf(name)).toEqual(texts.filter((text) => text !== ''));
  });

  it.each<[FacetType, string[]]>([
    ['number', ['old', '1,5', '1.000,00', '007', ' 5', '1e5', 'NaN', '0x10']],
    ['boolean', ['yes', '1', 'TRUE', 't']],
    ['date', ['31.01.2026', '2026-02-30', '2026-1-31', '0000-01-01', '2026-01-31T00:00:00Z']],
  ])('%s is refused with those who have other values, and nothing is changed', async (type, texts) => {
    const name = `no ${type}`;
    await withValues(name, [...texts, type === 'boolean' ? 'true' : type === 'date' ? '2026-01-31' : '5']);
    const change = setFacetType(database.db, name, type);
    await expect(change).rejects.toMatchObject({ code: 'FACET_VALUES', exitCode: 3 });
    await expect(change).rejects.toThrow(`${texts.length} contacts have values`);
    await expect(change).rejects.toThrow(`no ${type}0@example.com has ${JSON.stringify(texts[0])}`);
    expect((await valuesOf(name)).every((value) => typeof value === 'string')).toBe(true);
    expect(await database.db.select().from(facet).where(eq(facet.name, name))).toEqual([]);
  });

  it('is not changed under a segment that takes it for what it was', async () => {
    await createSegment(database.db, 'texts', 'contact.facets.points == "5"');
    await expect(setFacetType(database.db, 'points', 'number')).rejects.toThrow(
      /"points" for something else: texts\./,
    );
    await createSegment(database.db, 'either', 'double(contact.facets.score) > 5');
    expect(await setFacetType(database.db, 'score', 'number')).toMatchObject({ changed: true });
  });

  it('decides what an import stores and refuses', async () => {
    for (const [name, type] of [
      ['age', 'number'],
      ['vip', 'boolean'],
      ['born', 'date'],
    ] as const) {
      await setFacetType(database.db, name, type);
    }
    const rows = [
      'email,age,vip,born,plain',
      'ann@example.com,42,true,2026-01-31,42',
      'bob@example.com,-0.5,false,,',
      'cid@example.com,old,true,,',
      'dan@example.com,1,yes,,',
      'eve@example.com,1,,31.01.2026,',
    ];
    const report = await importContacts(database.db, Readable.from([rows.join('\n')]), { list: 'typed' });
    expect(report.imported).toBe(2);
    expect(
      report.refused.first.map(({ line, reason, column, detail }) => [line, reason, column, detail]),
    ).toEqual([
      [4, 'bad-number', 'age', 'a number such as 42 or -3.5 is expected'],
      [5, 'bad-boolean', 'vip', 'true or false is expected'],
      [6, 'bad-date', 'born', 'a day such as 2026-01-31 is expected'],
    ]);
    expect(await facetsOf('ann@example.com')).toEqual({
      age: 42,
      vip: true,
      born: '2026-01-31',
      plain: '42',
    });
    expect(await facetsOf('bob@example.com')).toEqual({ age: -0.5, vip: false });
  });

  it('that is changed while a file is read ends the import without a trace', async () => {
    const rows = async function* () {
      yield 'email,late\n';
      yield 'fay@example.com,5\n';
      await setFacetType(database.db, 'late', 'number');
      yield 'gil@example.com,6\n';
    };
    const done = importContacts(database.db, Readable.from(rows()), { list: 'late' });
    await expect(done).rejects.toMatchObject({ code: 'FACET_CHANGED' });
    expect(await valuesOf('late')).toEqual([]);
  });
});
