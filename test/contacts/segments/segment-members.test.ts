import { sql } from 'drizzle-orm';
import { beforeAll, describe, expect, it } from 'vitest';
import { segmentMembers } from '../../../src/contacts/segments/segment-members.ts';
import type { Database } from '../../../src/db/connect.ts';
import { dispatchOutcome, dispatchQueue, interaction } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { insertContacts, insertList, type NewContact } from '../fixtures.ts';

const database = useTestDatabase();
let ids: Record<string, number>;
let list: string;

const dayMs = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * dayMs);

beforeAll(async () => {
  const { db } = database;
  const names = ['anna', 'bert', 'cleo', 'dora'];
  const people: NewContact[] = [
    {
      email: 'anna@example.com',
      firstName: 'Anna',
      language: 'de',
      bounceCount: 1,
      facets: {
        city: 'Berlin',
        age: 42,
        vip: true,
        birthday: '1980-02-29',
        code: '50%_a',
        spent: 0.1,
        text: '7',
      },
    },
    {
      email: 'bert@example.com',
      firstName: 'Bert 😀',
      language: 'en',
      facets: {
        city: 'Äpfelstadt',
        age: 17.5,
        vip: false,
        birthday: '2024-12-31',
        code: '50 a',
        text: 'old',
      },
    },
    // Of each facet a value of another type than it has of the others, as a changed type could leave it behind.
    {
      email: 'cleo@example.com',
      facets: { city: 5, age: 'forty', vip: 'yes', birthday: '2026-02-30', text: 8 },
    },
    { email: 'dora@example.com', facets: { city: '' } },
  ];
  // Not before today, also where midnight comes while the tests run.
  const [anna = 0, bert = 0, cleo = 0, dora = 0] = await insertContacts(
    db,
    people.map((person) => ({ ...person, createdAt: ago(-1) })),
  );
  ids = { anna, bert, cleo, dora };
  expect(Object.keys(ids)).toEqual(names);
  const created = await insertList(db, [anna, cleo]);
  list = created.name;
  const event = (contactId: number, type: string, days: number, agent = 'person', campaignId = 'autumn') => ({
    contactId,
    type,
    agent,
    campaignId,
    position: contactId,
    at: ago(days),
  });
  await db
    .insert(interaction)
    .values([
      event(anna, 'EmailOpened', 100),
      event(anna, 'EmailOpened', 10, 'image-proxy'),
      event(anna, 'EmailClicked', 10),
      event(bert, 'EmailOpened', 100),
      event(bert, 'EmailOpened', 5, 'prefetch'),
      event(bert, 'EmailOpened', 5, 'bot'),
      event(bert, 'EmailClicked', 5, 'link-scanner'),
      event(cleo, 'Bounce', 3, 'mail-server', 'winter'),
      event(cleo, 'SpamComplaint', 3, 'mail-server'),
      event(dora, 'UnsubscribedFromEmail', 3, 'bot'),
    ]);
  const sent = [
    { campaignId: 'autumn', contactId: anna, kind: 'sent' as const, days: 20 },
    { campaignId: 'winter', contactId: anna, kind: 'sent' as const, days: 2 },
    { campaignId: 'autumn', contactId: bert, kind: 'sent' as const, days: 20 },
    { campaignId: 'winter', contactId: bert, kind: 'failed' as const, days: 2 },
  ];
  for (const { campaignId, contactId, kind, days } of sent) {
    await db.insert(dispatchQueue).values({ campaignId, position: contactId, contactId, language: 'en' });
    await db
      .insert(dispatchOutcome)
      .values({ campaignId, position: contactId, contactId, batch: 1, server: 'a', kind, at: ago(days) });
  }
});

async function members(db: Database, expression: string): Promise<string[]> {
  const nameOf = new Map(Object.entries(ids).map(([name, id]) => [id, name]));
  const all = sql`contact.id = any(${sql.param(Object.values(ids))}::bigint[])`;
  const read = async (query: ReturnType<typeof segmentMembers>) => {
    const { rows } = await db.execute<{ contact_id: string }>(sql`${query} order by 1`);
    return rows.map((row) => nameOf.get(Number(row.contact_id)) ?? '');
  };
  const found = await read(segmentMembers(expression));
  expect(await read(segmentMembers(expression, all)), 'among a few').toEqual(found);
  return found;
}

describe('the members of a segment', () => {
  it.each<[string, string[]]>([
    ['true', ['anna', 'bert', 'cleo', 'dora']],
    ['contact.email == "anna@example.com"', ['anna']],
    ['contact.email.endsWith("@example.com") && contact.language in ["de", "fr"]', ['anna']],
    ['contact.bounceCount > 0', ['anna']],
    ['contact.createdAt > daysAgo(1)', ['anna', 'bert', 'cleo', 'dora']],
    ['contact.createdAt < today()', []],
    ['contact.facets.city == "Berlin"', ['anna']],
    ['contact.facets["city"] in ["Berlin", "Bonn"]', ['anna']],
    ['contact.facets.age >= 18', ['anna']],
    ['contact.facets.age == 42', ['anna']],
    ['contact.facets.age == 17.5', ['bert']],
    ['contact.facets.age in [42, 43]', ['anna']],
    ['contact.facets.vip', ['anna']],
    ['!contact.facets.vip', ['bert']],
    ['contact.facets.vip == false', ['bert']],
    ['contact.facets.birthday < date("2000-01-01")', ['anna']],
    ['contact.facets.birthday.getMonth() == 1 && contact.facets.birthday.getDate() == 29', ['anna']],
    ['contact.facets.city < contact.facets.code', []],
    ['contact.facets.city > contact.facets.code', ['anna', 'bert']],
  ])('%s', async (expression, expected) => {
    expect(await members(database.db, expression)).toEqual(expected);
  });

  describe('who lacks a value is a member neither by a comparison nor by its opposite', () => {
    it.each<[string, string[]]>([
      ['contact.facets.city == "Paris"', []],
      ['contact.facets.city != "Paris"', ['anna', 'bert']],
      ['!(contact.facets.city == "Paris")', ['anna', 'bert']],
      ['!(contact.facets.city in ["Paris"])', ['anna', 'bert']],
      ['contact.firstName != "Anna"', ['bert']],
      ['contact.facets.nobody != "x" || contact.language == "de"', ['anna']],
      ['!(contact.facets.nobody == "x" && contact.language == "de")', ['bert']],
      ['has(contact.facets.nobody) && contact.facets.nobody == "x"', []],
      ['!has(contact.facets.city)', ['dora']],
      ['"city" in contact.facets', ['anna', 'bert', 'cleo']],
      ['has(contact.firstName) ? contact.firstName != "Anna" : true', ['bert', 'cleo', 'dora']],
      ['contact.lastOpen < daysAgo(1)', ['anna', 'bert']],
      ['!(contact.lastOpen < daysAgo(1))', []],
    ])('%s', async (expression, expected) => {
      expect(await members(database.db, expression)).toEqual(expected);
    });
  });

  describe('text is taken as it is', () => {
    it.each<[string, string[]]>([
      ['contact.facets.code.startsWith("50%")', ['anna']],
      ['contact.facets.code.contains("_")', ['anna']],
      ['contact.facets.code.endsWith("_a")', ['anna']],
      ['contact.firstName.size() == 6', ['bert']],
      ['size(contact.firstName) == 4', ['anna']],
      ['contact.firstName.indexOf("😀") == 5', ['bert']],
      ['contact.firstName.substring(5) == "😀"', ['bert']],
      ['contact.firstName.substring(0, 2) == "An"', ['anna']],
      ['contact.facets.city.lowerAscii() == "Äpfelstadt"', ['bert']],
      ['contact.facets.city.upperAscii() == "BERLIN"', ['anna']],
      ['(" " + contact.firstName + "\\t").trim() == "Anna"', ['anna']],
      ['contact.firstName == "\' or true --"', []],
    ])('%s', async (expression, expected) => {
      expect(await members(database.db, expression)).toEqual(expected);
    });
  });

  describe('what cannot be reckoned holds for nobody, and breaks nothing', () => {
    it.each<[string, string[]]>([
      ['1 / contact.bounceCount >= 0', ['anna']],
      ['!(1 % contact.bounceCount == 5)', ['anna']],
      ['contact.facets.age / 0 > 1', []],
      ['contact.facets.age / 0.0 > 1.0', []],
      ['contact.id + 9223372036854775807 > 0', []],
      ['contact.facets.age * 1e200 * 1e200 > 0', []],
      ['-7 / 2 == -3 && -7 % 2 == -1', ['anna', 'bert', 'cleo', 'dora']],
      ['contact.facets.spent + 0.2 == 0.30000000000000004', ['anna']],
      ['double(contact.facets.text) < 10', ['anna', 'cleo']],
      ['int(contact.facets.age) == 17', ['bert']],
      ['1 / 0 == 1 || contact.language == "de"', ['anna']],
    ])('%s', async (expression, expected) => {
      expect(await members(database.db, expression)).toEqual(expected);
    });
  });

  describe('what happened before', () => {
    it.each<[string, string[]]>([
      ['opens() == 2', ['anna']],
      ['opens(90) == 0', ['bert', 'cleo', 'dora']],
      ['opens(90) > 0', ['anna']],
      ['opens("autumn") > 0 && opens("winter") == 0', ['anna', 'bert']],
      ['clicks(30, "autumn") > 0', ['anna']],
      ['clicks() > 0', ['anna']],
      ['bounces(5) == 1 && complaints() == 1', ['cleo']],
      ['bounces("autumn") > 0', []],
      ['unsubscribes() > 0', ['dora']],
      ['messages() == 2', ['anna']],
      ['messages("winter") == 0', ['bert', 'cleo', 'dora']],
      ['messages(5) == 1', ['anna']],
      ['contact.lastOpen > daysAgo(20)', ['anna']],
      ['contact.lastMessage < daysAgo(10)', ['bert']],
      ['contact.lastClick < contact.lastMessage', ['anna']],
      ['!has(contact.lastMessage) && opens() + clicks() == 0', ['cleo', 'dora']],
    ])('%s', async (expression, expected) => {
      expect(await members(database.db, expression)).toEqual(expected);
    });
  });

  it('says nothing twice, however deep lists stand in lists', async () => {
    const lists = ' in [true, false]'.repeat(30);
    expect(await members(database.db, `contact.facets.vip${lists}`)).toEqual(['anna', 'bert']);
  });

  it('knows who is on a static list', async () => {
    const { db } = database;
    expect(await members(db, `"${list}" in contact.lists`)).toEqual(['anna', 'cleo']);
    expect(await members(db, `!("${list}" in contact.lists)`)).toEqual(['bert', 'dora']);
    expect(await members(db, '"no such list" in contact.lists')).toEqual([]);
  });
});
