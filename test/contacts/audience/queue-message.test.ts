import { asc, eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { emailKey } from '../../../src/contacts/addresses/email-address.ts';
import { type AudienceSettings, audienceOf } from '../../../src/contacts/audience/audience.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import { campaign, dispatchQueue, globalOptOut, listOptOut, suppression } from '../../../src/db/schema.ts';
import { chooseLanguage } from '../../../src/domain/language-choice.ts';
import { useTestDatabase } from '../../support/database.ts';
import fc from '../../support/fast-check.ts';
import { languageRules } from '../../support/languages.ts';
import { audienceSettings, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();
beforeEach(async () => {
  await database.db.execute(sql`
    truncate contact, contact_list, list_member, list_opt_out, campaign, campaign_list, dispatch_queue, global_opt_out,
      suppression
    restart identity cascade`);
});

const settings: AudienceSettings = { ...audienceSettings, languages: ['en', 'de'] };

async function queueOf(campaignId: string) {
  return await database.db
    .select()
    .from(dispatchQueue)
    .where(eq(dispatchQueue.campaignId, campaignId))
    .orderBy(asc(dispatchQueue.position));
}

const optOut = (email: string) =>
  database.db.insert(globalOptOut).values({ emailKey: emailKey(email), reason: 'test' });
const optOutOf = (listId: number, email: string) =>
  database.db.insert(listOptOut).values({ listId, emailKey: emailKey(email), reason: 'test' });

describe('the audience of a campaign', () => {
  it('does not ask the suppression list where CheckSuppressionList is off', async () => {
    const list = await insertList(
      database.db,
      await insertContacts(database.db, [{ email: 'a@example.com' }, { email: 'b@example.com' }]),
    );
    await database.db.insert(suppression).values({ emailKey: 'a@example.com', reason: 'test' });
    const id = await insertCampaign(database.db, { include: [list.id] });
    const off = { ...settings, checkSuppressionList: false };
    expect(await queueMessage(database.db, id, off)).toEqual({ queued: 2, excluded: {} });
  });

  it('takes an address that bounced as often as UndeliveredMaximum, and not one that bounced once more', async () => {
    const ids = await insertContacts(
      database.db,
      [0, 1, 2, 3].map((bounceCount) => ({ email: `b${bounceCount}@example.com`, bounceCount })),
    );
    const list = await insertList(database.db, ids);
    const id = await insertCampaign(database.db, { include: [list.id] });
    const strict = { ...settings, undeliveredMaximum: 1 };
    expect(await queueMessage(database.db, id, strict)).toEqual({
      queued: 2,
      excluded: { 'undelivered-maximum': 2 },
    });
  });

  it('honours an opt-out of any spelling of the address', async () => {
    const [contactId = 0] = await insertContacts(database.db, [{ email: 'Ann@Bücher.example' }]);
    await optOut('ANN@xn--bcher-kva.EXAMPLE');
    const list = await insertList(database.db, [contactId]);
    const id = await insertCampaign(database.db, { include: [list.id] });
    expect(await queueMessage(database.db, id, settings)).toEqual({
      queued: 0,
      excluded: { 'global-opt-out': 1 },
    });
  });

  it('has each person once, however many lists it is on, and accounts for every membership', async () => {
    const [a = 0, b = 0, c = 0] = await insertContacts(database.db, [
      { email: 'a@example.com' },
      { email: 'b@example.com' },
      { email: 'c@example.com', doNotMarket: true },
    ]);
    const one = await insertList(database.db, [a, b, c]);
    const two = await insertList(database.db, [b, c]);
    const id = await insertCampaign(database.db, { include: [one.id, two.id] });
    expect(await queueMessage(database.db, id, settings)).toEqual({
      queued: 2,
      excluded: { 'do-not-market': 1, 'duplicate-address': 2 },
    });
    expect((await queueOf(id)).map((row) => row.contactId)).toEqual([a, b]);
  });

  it('has somebody who opted out of one list by another one that it is on, and by none that it is not on', async () => {
    const [both = 0, one = 0, never = 0] = await insertContacts(database.db, [
      { email: 'both@example.com' },
      { email: 'one@example.com' },
      { email: 'never@example.com' },
    ]);
    const a = await insertList(database.db, [both, one, never]);
    const b = await insertList(database.db, [both]);
    const other = await insertList(database.db, [never]);
    await optOutOf(a.id, 'Both@Example.com');
    await optOutOf(a.id, 'one@example.com');
    await optOutOf(other.id, 'never@example.com');
    const id = await insertCampaign(database.db, { include: [a.id, b.id] });
    expect(await queueMessage(database.db, id, settings)).toEqual({
      queued: 2,
      excluded: { 'list-opt-out': 1, 'duplicate-address': 1 },
    });
    expect((await queueOf(id)).map((row) => row.contactId)).toEqual([both, never]);
  });

  it('leaves out members of an excluded list, also those who have opted out of it', async () => {
    const [contactId = 0] = await insertContacts(database.db, [{ email: 'x@example.com' }]);
    const include = await insertList(database.db, [contactId]);
    const exclude = await insertList(database.db, [contactId]);
    await optOutOf(exclude.id, 'x@example.com');
    const id = await insertCampaign(database.db, { include: [include.id], exclude: [exclude.id] });
    expect(await queueMessage(database.db, id, settings)).toEqual({
      queued: 0,
      excluded: { 'excluded-list': 1 },
    });
  });

  it('may be empty: no lists, empty lists, nobody left', async () => {
    const empty = await insertList(database.db, []);
    for (const lists of [{}, { include: [empty.id] }, { include: [empty.id], exclude: [empty.id] }]) {
      const id = await insertCampaign(database.db, lists);
      expect(await queueMessage(database.db, id, settings)).toEqual({ queued: 0, excluded: {} });
      expect(await queueOf(id)).toEqual([]);
    }
  });

  it('of an unknown campaign is refused', async () => {
    await expect(queueMessage(database.db, 'nothing', settings)).rejects.toMatchObject({
      code: 'CAMPAIGN_UNKNOWN',
    });
    await expect(audienceOf(database.db, 'nothing', settings)).rejects.toMatchObject({
      code: 'CAMPAIGN_UNKNOWN',
    });
  });

  it.each([
    [
      ['en', 'de'],
      'en',
      ['', 'en'],
      ['de', 'de'],
      ['de-at', 'de'],
      ['en-gb', 'en'],
      ['fr', 'en'],
      ['deu', 'en'],
    ],
    [
      ['en', 'de', 'de-at'],
      'de',
      ['de-at', 'de-at'],
      ['de-at-1996', 'de-at'],
      ['de-ch', 'de'],
      ['', 'de'],
      ['e', 'de'],
    ],
    [['en', 'zh', 'zh-hant'], 'en', ['zh-hant-tw', 'zh-hant'], ['zh-hans', 'zh'], ['zh-hantx', 'zh']],
    [['fr'], 'fr', ['de', 'fr']],
  ])(
    'with bodies in %j, or else in %s, gets these languages: %j ...',
    async (languages, defaultLanguage, ...cases) => {
      const ids = await insertContacts(
        database.db,
        cases.map(([language], i) => ({ email: `l${i}@example.com`, language: language ?? '' })),
      );
      const list = await insertList(database.db, ids);
      const id = await insertCampaign(database.db, { include: [list.id] });
      await queueMessage(database.db, id, { ...settings, languages, defaultLanguage });
      expect((await queueOf(id)).map((row) => row.language)).toEqual(cases.map(([, body]) => body));
    },
  );
});

describe('the languages to fall back on', () => {
  it('give everybody the language that chooseLanguage names, on any rules', async () => {
    const tags = [
      '',
      'ca',
      'ca-es',
      'ca-es-valencia',
      'ca-fr',
      'cat',
      'es-mx-x-a',
      'de',
      'zh-hant-tw',
      'zh-hans',
    ];
    const ids = await insertContacts(
      database.db,
      tags.map((language, i) => ({ email: `l${i}@example.com`, language })),
    );
    const list = await insertList(database.db, ids);
    await fc.assert(
      fc.asyncProperty(languageRules, async (rules) => {
        const id = await insertCampaign(database.db, { include: [list.id] });
        await queueMessage(database.db, id, { ...settings, ...rules });
        expect((await queueOf(id)).map((row) => row.language)).toEqual(
          tags.map((tag) => chooseLanguage(tag, rules)),
        );
      }),
      { numRuns: 40 },
    );
  });
});

describe('queueing', () => {
  async function campaignOf(size: number): Promise<string> {
    const ids = await insertContacts(
      database.db,
      Array.from({ length: size }, (_, i) => ({ email: `p${i}@example.com`, doNotMarket: i % 10 === 0 })),
    );
    const list = await insertList(database.db, ids);
    return await insertCampaign(database.db, { include: [list.id] });
  }

  it('again gives the stored answer and changes nothing, though the people have changed', async () => {
    const id = await campaignOf(20);
    const first = await queueMessage(database.db, id, settings);
    expect(first).toEqual({ queued: 18, excluded: { 'do-not-market': 2 } });
    const queue = await queueOf(id);
    await database.db.execute(sql`update contact set do_not_market = not do_not_market`);
    expect(await queueMessage(database.db, id, settings)).toEqual(first);
    expect(await queueOf(id)).toEqual(queue);
    const [stored] = await database.db.select().from(campaign).where(eq(campaign.id, id));
    expect(stored).toMatchObject(first);
  });

  it('several times at once queues everybody once, at positions without gaps', async () => {
    const id = await campaignOf(500);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => queueMessage(database.db, id, settings)),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toHaveProperty('size', 1);
    const queue = await queueOf(id);
    expect(queue.map((row) => row.position)).toEqual(Array.from({ length: 450 }, (_, i) => i + 1));
    expect(new Set(queue.map((row) => row.contactId)).size).toBe(450);
  });

  it('of another campaign at the same time, or a change of the campaign, does not wait', async () => {
    const [one, two] = [await campaignOf(10), await insertCampaign(database.db, {})];
    const client = await database.db.$client.connect();
    try {
      await client.query('begin');
      // What queueMessage holds while it works: a lock of this campaign, not of its row.
      await client.query(`select pg_advisory_xact_lock(${0x6578_6d71}, hashtext($1))`, [one]);
      await queueMessage(database.db, two, settings);
      await database.db.update(campaign).set({ word: 'pause' }).where(eq(campaign.id, one));
    } finally {
      await client.query('rollback');
      client.release();
    }
    expect(await queueMessage(database.db, one, settings)).toMatchObject({ queued: 9 });
  });

  it('that fails leaves nothing, and works when it is tried again', async () => {
    const id = await campaignOf(10);
    const breaking = { ...settings, languages: ['en'], defaultLanguage: 'a\u0000b' };
    await expect(queueMessage(database.db, id, breaking)).rejects.toThrow();
    expect(await queueOf(id)).toEqual([]);
    expect(await queueMessage(database.db, id, settings)).toMatchObject({ queued: 9 });
  });
});
