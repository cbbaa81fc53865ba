import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { audienceOf } from '../../src/contacts/audience/audience.ts';
import { queueMessage } from '../../src/contacts/audience/queue-message.ts';
import { setFacetType } from '../../src/contacts/facets/set-facet-type.ts';
import { importContacts } from '../../src/contacts/import/import-contacts.ts';
import { countMembers, createSegment } from '../../src/contacts/segments/segments.ts';
import type { Database } from '../../src/db/connect.ts';
import { insertCampaign } from '../contacts/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const database = useTestDatabase();
const people = 1_000_000;
const cities = ['Berlin', 'Bonn', 'Paris', 'Rome'];

/** Contact number i, from 0: its age is i modulo 90, and every tenth is a VIP. */
async function writePeople(path: string): Promise<void> {
  await writeFile(
    path,
    (function* () {
      yield 'email,language,city,age,vip,born\n';
      for (let at = 0; at < people; at += 1_000) {
        let rows = '';
        for (let i = at; i < at + 1_000; i++) {
          const day = String((i % 28) + 1).padStart(2, '0');
          rows += `p${i}@example.com,${i % 2 ? 'de' : 'en'},${cities[i % 4]},${i % 90},${i % 10 === 0},1980-02-${day}\n`;
        }
        yield rows;
      }
    })(),
  );
}

/** Everybody got a message ten days ago; those with an even number opened it. */
async function insertEvents(db: Database): Promise<void> {
  await db.execute(sql`
    insert into dispatch_queue (campaign_id, position, contact_id, language)
    select 'earlier', row_number() over (order by id), id, 'en' from contact`);
  await db.execute(sql`
    insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at)
    select campaign_id, position, contact_id, 1, 'a', 'sent', now() - interval '10 days' from dispatch_queue`);
  await db.execute(sql`
    insert into interaction (type, campaign_id, position, contact_id, at)
    select 'EmailOpened', campaign_id, position, contact_id, now() - interval '9 days'
    from dispatch_queue join contact on contact.id = contact_id
    where substring(email from '[0-9]+')::int % 2 = 0`);
  await db.execute(sql`analyze`);
}

/** Each row of the contacts, the ledger and the events, once. */
async function goThroughAll(db: Database): Promise<void> {
  await db.execute(sql`select count(facets->>'city') from contact`);
  await db.execute(
    sql`select count(*) from (select contact_id from dispatch_outcome group by contact_id) people`,
  );
  await db.execute(sql`select count(*) from (select contact_id from interaction group by contact_id) people`);
}

/** @returns milliseconds */
async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

it('imports a million contacts with typed facets, asks who of them are in a segment, and queues a campaign to it', async () => {
  const { db } = database;
  const folder = mkdtempSync(join(tmpdir(), 'exm-million-'));
  try {
    for (const [name, type] of [
      ['age', 'number'],
      ['vip', 'boolean'],
      ['born', 'date'],
    ] as const) {
      await setFacetType(db, name, type);
    }
    const path = join(folder, 'people.csv');
    await writePeople(path);
    const report = await importContacts(db, createReadStream(path), { list: 'everybody' });
    expect(report).toMatchObject({ imported: people, refused: { total: 0 } });
    await insertEvents(db);

    const count = (condition: (i: number) => boolean) =>
      Array.from({ length: people }, (_, i) => i).filter(condition).length;
    const expression =
      'contact.facets.city == "Bonn" && contact.facets.age >= 18 && !contact.facets.vip && opens(90) == 0 && messages() > 0 && "everybody" in contact.lists';
    const expected = count((i) => i % 4 === 1 && i % 90 >= 18 && i % 10 !== 0 && i % 2 === 1);
    expect(expected).toBeGreaterThan(100_000);
    const segment = await createSegment(db, 'bonn', expression);
    expect(segment.warnings).toEqual([]);
    // Some times as long as going once through all that is known; contact by contact it would be a hundred times.
    const once = await timed(() => goThroughAll(db));
    const asked = await timed(async () => expect(await countMembers(db, expression)).toBe(expected));
    expect(asked / once).toBeLessThan(20);
    expect(
      await countMembers(db, 'contact.facets.born.getDate() == 29 || contact.lastOpen > daysAgo(5)'),
    ).toBe(0);

    const campaign = await insertCampaign(db, { include: [segment.id] });
    const settings = { undeliveredMaximum: 5, checkSuppressionList: true };
    expect(await audienceOf(db, campaign, settings)).toMatchObject({ queued: expected });
    const languages = { languages: ['en', 'de'], defaultLanguage: 'en' };
    expect(await queueMessage(db, campaign, { ...settings, ...languages })).toEqual({
      queued: expected,
      excluded: {},
    });
    const { rows } = await db.execute(sql`
      select count(*)::int as queued, max(position) as last, count(distinct contact_id)::int as people
        from dispatch_queue where campaign_id = ${campaign}`);
    expect(rows).toEqual([{ queued: expected, last: expected, people: expected }]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 600_000);
