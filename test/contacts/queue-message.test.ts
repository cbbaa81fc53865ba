import { asc, eq, sql } from 'drizzle-orm';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AudienceSettings, audienceOf } from '../../src/contacts/audience.ts';
import { emailKey } from '../../src/contacts/email-address.ts';
import { queueMessage } from '../../src/contacts/queue-message.ts';
import { campaign, dispatchQueue, globalOptOut, listOptOut, suppression } from '../../src/db/schema.ts';
import { chooseLanguage } from '../../src/domain/language-choice.ts';
import { type ExclusionReason, exclusionReasons } from '../../src/domain/outcome.ts';
import { useTestDatabase } from '../support/database.ts';
import { languageRules } from '../support/languages.ts';
import { insertCampaign, insertContacts, insertList, type NewContact } from './fixtures.ts';

const database = useTestDatabase();
beforeEach(async () => {
  await database.db.execute(sql`
    truncate contact, contact_list, list_member, list_opt_out, campaign, campaign_list, dispatch_queue, global_opt_out,
      suppression
    restart identity cascade`);
});

const settings: AudienceSettings = {
  undeliveredMaximum: 5,
  checkSuppressionList: true,
  languages: ['en', 'de'],
  defaultLanguage: 'en',
};

async function queueOf(campaignId: string) {
  return await database.db
    .select()
    .from(dispatchQueue)
    .where(eq(dispatchQueue.campaignId, campaignId))
    .orderBy(asc(dispatchQueue.position));
}

const optOut = (email: string) =>
  database.db.insert(globalOptOut).values({ emailKey: emailKey(email), reason: 'test' });
const suppress = (email: string) =>
  database.db.insert(suppression).values({ emailKey: emailKey(email), reason: 'test' });
const optOutOf = (listId: number, email: string) =>
  database.db.insert(listOptOut).values({ listId, emailKey: emailKey(email), reason: 'test' });

/** What makes each reason hold for a person who would otherwise get the campaign. */
const saysNo = {
  'excluded-list': {},
  'global-opt-out': {},
  'do-not-market': { doNotMarket: true },
  'consent-revoked': { consentRevoked: true },
  'undelivered-maximum': { bounceCount: 6 },
  'suppression-list': {},
  'list-opt-out': {},
} as const satisfies Partial<Record<ExclusionReason, Partial<NewContact>>>;
type Reason = keyof typeof saysNo;
const reasons = exclusionReasons.filter((reason): reason is Reason => reason in saysNo);
const pairs = reasons.flatMap((a, i) => reasons.slice(i + 1).map((b): [Reason, Reason] => [a, b]));

/** A campaign to two people: one for whom all these reasons hold, and one for whom none does. */
async function campaignWith(held: readonly Reason[]) {
  const email = 'no@example.com';
  const facts = Object.assign({}, ...held.map((reason) => saysNo[reason]));
  const [no = 0, yes = 0] = await insertContacts(database.db, [
    { email, ...facts },
    { email: 'yes@example.com' },
  ]);
  if (held.includes('global-opt-out')) await optOut(email);
  if (held.includes('suppression-list')) await suppress(email);
  const include = await insertList(database.db, [no, yes]);
  if (held.includes('list-opt-out')) await optOutOf(include.id, email);
  const exclude = await insertList(database.db, held.includes('excluded-list') ? [no] : []);
  const id = await insertCampaign(database.db, { include: [include.id], exclude: [exclude.id] });
  return { id, yes };
}

describe('the audience of a campaign', () => {
  it.each(reasons)('leaves out for %s', async (reason) => {
    const { id, yes } = await campaignWith([reason]);
    const expected = { queued: 1, excluded: { [reason]: 1 } };
    expect(await audienceOf(database.db, id, settings)).toEqual(expected);
    expect(await queueMessage(database.db, id, settings)).toEqual(expected);
    expect(await queueOf(id)).toEqual([
      { campaignId: id, position: 1, contactId: yes, variant: 0, language: 'en' },
    ]);
  });

  it.each(pairs)('leaves out once, for %s, where %s holds too', async (first, second) => {
    const { id } = await campaignWith([first, second]);
    expect(await queueMessage(database.db, id, settings)).toEqual({ queued: 1, excluded: { [first]: 1 } });
  });

  it('leaves out for the first of all reasons where all hold', async () => {
    const { id } = await campaignWith(reasons);
    expect(await queueMessage(database.db, id, settings)).toEqual({
      queued: 1,
      excluded: { 'excluded-list': 1 },
    });
  });

  it('does not ask the suppression list where CheckSuppressionList is off', async () => {
    const { id } = await campaignWith(['suppression-list']);
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

  it('agrees with the rules said plainly, on any people', async () => {
    const person = fc.record({
      bounceCount: fc.integer({ min: 0, max: 4 }),
      doNotMarket: weighted(0.2),
      consentRevoked: weighted(0.2),
      language: fc.constantFrom('', 'en', 'de', 'de-at', 'fr', 'zh-hant-tw'),
      optedOut: weighted(0.2),
      suppressed: weighted(0.2),
      /** Included lists 0 and 1, excluded lists 2 and 3. */
      lists: fc.subarray([0, 1, 2, 3]),
      /** Lists that it has opted out of, whether or not it is on them. */
      optedOutOf: weighted(0.4).chain((some) =>
        some ? fc.subarray([0, 1, 2, 3]) : fc.constant<number[]>([]),
      ),
    });
    const rules = fc.record({
      undeliveredMaximum: fc.integer({ min: 0, max: 3 }),
      checkSuppressionList: fc.boolean(),
      languages: fc.subarray(['en', 'de', 'de-at', 'zh', 'zh-hant'], { minLength: 1 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(person, { maxLength: 30 }), rules, async (people, rule) => {
        const chosen = { ...rule, defaultLanguage: rule.languages[0] ?? 'en' };
        const tag = Math.random().toString(36).slice(2);
        const email = (i: number) => `${tag}${i}@example.com`;
        const ids = await insertContacts(
          database.db,
          people.map(({ bounceCount, doNotMarket, consentRevoked, language }, i) => ({
            email: email(i),
            bounceCount,
            doNotMarket,
            consentRevoked,
            language,
          })),
        );
        for (const [i, one] of people.entries()) {
          if (one.optedOut) await optOut(email(i));
          if (one.suppressed) await suppress(email(i));
        }
        const lists: number[] = [];
        for (const number of [0, 1, 2, 3]) {
          const members = ids.filter((_, i) => people[i]?.lists.includes(number));
          lists.push((await insertList(database.db, members)).id);
        }
        for (const [i, one] of people.entries()) {
          for (const number of one.optedOutOf) await optOutOf(lists[number] ?? 0, email(i));
        }
        const id = await insertCampaign(database.db, { include: lists.slice(0, 2), exclude: lists.slice(2) });

        const expected = plainly(people, ids, chosen);
        expect(await audienceOf(database.db, id, chosen)).toEqual(expected.counts);
        expect(await queueMessage(database.db, id, chosen)).toEqual(expected.counts);
        const queue = await queueOf(id);
        expect(queue.map(({ position, contactId, language }) => ({ position, contactId, language }))).toEqual(
          expected.queue,
        );
      }),
      { numRuns: 60 },
    );
  });
});

const weighted = (share: number) => fc.integer({ min: 1, max: 100 }).map((n) => n <= share * 100);

interface Person {
  readonly bounceCount: number;
  readonly doNotMarket: boolean;
  readonly consentRevoked: boolean;
  readonly language: string;
  readonly optedOut: boolean;
  readonly suppressed: boolean;
  readonly lists: readonly number[];
  readonly optedOutOf: readonly number[];
}

/** The rules of the audience, one person after the other. */
function plainly(people: readonly Person[], ids: readonly number[], rule: AudienceSettings) {
  const excluded: Partial<Record<ExclusionReason, number>> = {};
  const queue: { position: number; contactId: number; language: string }[] = [];
  const leaveOut = (reason: ExclusionReason) => {
    excluded[reason] = (excluded[reason] ?? 0) + 1;
  };
  for (const [i, one] of people.entries()) {
    const memberships = one.lists.filter((list) => list < 2).length;
    if (memberships === 0) continue;
    if (memberships > 1) leaveOut('duplicate-address');
    if (one.lists.some((list) => list >= 2)) leaveOut('excluded-list');
    else if (one.optedOut) leaveOut('global-opt-out');
    else if (one.doNotMarket) leaveOut('do-not-market');
    else if (one.consentRevoked) leaveOut('consent-revoked');
    else if (one.bounceCount > rule.undeliveredMaximum) leaveOut('undelivered-maximum');
    else if (one.suppressed && rule.checkSuppressionList) leaveOut('suppression-list');
    else if (one.lists.every((list) => list >= 2 || one.optedOutOf.includes(list))) leaveOut('list-opt-out');
    else
      queue.push({
        position: queue.length + 1,
        contactId: ids[i] ?? 0,
        language: bodyFor(one.language, rule),
      });
  }
  return { counts: { queued: queue.length, excluded }, queue };
}

/** `de-at-1996`, then `de-at`, then `de`, then the default. */
function bodyFor(language: string, { languages, defaultLanguage }: AudienceSettings): string {
  for (let tag = language; tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
    if (languages.includes(tag)) return tag;
  }
  return defaultLanguage;
}
