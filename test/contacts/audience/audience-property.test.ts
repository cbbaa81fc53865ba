import { asc, eq, sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { audienceOf } from '../../../src/contacts/audience/audience.ts';
import { audienceReport, sumOf } from '../../../src/contacts/audience/audience-report.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import {
  contact,
  dispatchExclusion,
  dispatchOutcome,
  dispatchQueue,
  globalOptOut,
  listMember,
  listOptOut,
  suppression,
} from '../../../src/db/schema.ts';
import { readRecipients } from '../../../src/dispatch/read-recipients.ts';
import type { ExclusionReason } from '../../../src/domain/outcome.ts';
import { useTestDatabase } from '../../support/database.ts';
import fc from '../../support/fast-check.ts';
import { insertCampaign, insertContacts, insertList, insertSegment, quietZone } from '../fixtures.ts';

const database = useTestDatabase();

/** The campaign's lists by their number here: two static ones and two segments are included, one of each is not. */
const segments = {
  2: { cel: 'contact.language == "de"', holds: ({ language }: Person) => language === 'de' },
  3: { cel: 'contact.bounceCount >= 2', holds: ({ bounceCount }: Person) => bounceCount >= 2 },
  5: { cel: 'contact.language == "fr"', holds: ({ language }: Person) => language === 'fr' },
} as const;
const isIncluded = (list: number) => list < 4;
const allLists = [0, 1, 2, 3, 4, 5];

/** Other campaigns: what a person has of each. */
const others = [
  'sent',
  'in doubt',
  'failed',
  'sent long ago',
  'waits, made before',
  'waits, made after',
] as const;
type Other = (typeof others)[number];

interface Person {
  readonly bounceCount: number;
  readonly doNotMarket: boolean;
  readonly consentRevoked: boolean;
  readonly language: string;
  readonly optedOut: boolean;
  readonly suppressed: boolean;
  /** Static lists that it is on. */
  readonly lists: readonly number[];
  /** Lists that it has opted out of, whether or not it is on them. */
  readonly optedOutOf: readonly number[];
  readonly has: readonly Other[];
  /** Erased. */
  readonly isGone: boolean;
}

interface Rule {
  readonly undeliveredMaximum: number;
  readonly checkSuppressionList: boolean;
  readonly sendLimits: { readonly day?: number; readonly week?: number; readonly timeZone: string };
}

const weighted = (share: number) => fc.integer({ min: 1, max: 100 }).map((n) => n <= share * 100);
const some = <T>(all: T[], share: number) =>
  weighted(share).chain((is) => (is ? fc.subarray(all) : fc.constant<T[]>([])));

const facts = fc.record({
  bounceCount: fc.integer({ min: 0, max: 4 }),
  doNotMarket: weighted(0.08),
  consentRevoked: weighted(0.08),
  language: fc.constantFrom('', 'en', 'de', 'de', 'fr'),
  optedOut: weighted(0.08),
  suppressed: weighted(0.08),
  lists: fc.subarray([0, 1, 4]),
  optedOutOf: some(allLists, 0.5),
  has: some([...others], 0.5),
});
/** As a person is when the campaign is queued, and as it is when its turn comes. */
const person = fc.record({
  before: facts.map((one): Person => ({ ...one, isGone: false })),
  later: fc.tuple(facts, weighted(0.05)).map(([one, isGone]): Person => ({ ...one, isGone })),
});
const limit = fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined, freq: 2 });
const rule = fc
  .record({
    undeliveredMaximum: fc.integer({ min: 0, max: 3 }),
    checkSuppressionList: fc.boolean(),
    day: limit,
    week: limit,
  })
  .map(({ day, week, ...rest }): Rule => {
    const limits = { ...(day === undefined ? {} : { day }), ...(week === undefined ? {} : { week }) };
    return { ...rest, sendLimits: { ...limits, timeZone: quietZone } };
  });

it('who is queued, who is left out for what, and who is sent to, are as the rules say plainly, of any people', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(person, { maxLength: 25 }), rule, async (people, settings) => {
      const chosen = { ...settings, languages: ['en'], defaultLanguage: 'en' };
      const before = people.map((one) => one.before);
      const later = people.map((one) => one.later);
      const world = await makeWorld(people.length);
      const { id, ids } = world;
      const { db } = database;

      await store(world, before);
      const expected = atQueueing(before, ids, settings);
      expect(await audienceOf(db, id, chosen)).toEqual(expected.counts);
      const report = await audienceReport(db, id, chosen);
      expect(report).toMatchObject(expected.counts);
      expect(report.lists?.included.map((list) => list.memberships)).toEqual(expected.memberships);
      for (const list of report.lists?.included ?? [])
        expect(list.memberships).toBe(list.queued + sumOf(list.excluded));
      expect(await queueMessage(db, id, chosen)).toEqual(expected.counts);
      expect(await audienceReport(db, id, chosen)).toMatchObject({
        basis: 'queued',
        memberships: report.memberships,
      });
      const queue = await db
        .select()
        .from(dispatchQueue)
        .where(eq(dispatchQueue.campaignId, id))
        .orderBy(asc(dispatchQueue.position));
      expect(queue.map(({ contactId }) => contactId)).toEqual(expected.queue);
      const books = await db
        .select()
        .from(dispatchExclusion)
        .where(eq(dispatchExclusion.campaignId, id))
        .orderBy(asc(dispatchExclusion.contactId));
      expect(books.map(({ contactId, reason }) => [contactId, reason])).toEqual(expected.leftOut);

      await store(world, later);
      const recipients = await readRecipients(db, id, { first: 1, last: 99 }, 99, settings);
      expect(recipients.map(({ exclusion }) => exclusion)).toEqual(
        expected.queue.map((contactId) => atSending(later[ids.indexOf(contactId)] as Person, settings)),
      );
    }),
    { numRuns: 60 },
  );
}, 600_000);

// --- The rules, one person after the other --------------------------------------------------------------------

function listsOf(one: Person): number[] {
  const held = Object.entries(segments).flatMap(([list, { holds }]) => (holds(one) ? [Number(list)] : []));
  return [...one.lists, ...held];
}

function personalReason(one: Person, rule: Rule): ExclusionReason | null {
  if (one.optedOut) return 'global-opt-out';
  if (one.doNotMarket) return 'do-not-market';
  if (one.consentRevoked) return 'consent-revoked';
  if (one.bounceCount > rule.undeliveredMaximum) return 'undelivered-maximum';
  if (one.suppressed && rule.checkSuppressionList) return 'suppression-list';
  const wanted = listsOf(one).filter((list) => isIncluded(list) && !one.optedOutOf.includes(list));
  if (one.optedOutOf.some(isIncluded) && wanted.length === 0) return 'list-opt-out';
  return null;
}

function isAtLimit({ day, week }: Rule['sendLimits'], messages: number): boolean {
  return (day !== undefined && messages >= day) || (week !== undefined && messages >= week);
}

const counted = (one: Person, kinds: readonly Other[]) =>
  one.has.filter((other) => kinds.includes(other)).length;

function atQueueing(people: readonly Person[], ids: readonly number[], rule: Rule) {
  const excluded: Partial<Record<ExclusionReason, number>> = {};
  const count = (reason: ExclusionReason, times = 1) => {
    excluded[reason] = (excluded[reason] ?? 0) + times;
  };
  const queue: number[] = [];
  const leftOut: [number, ExclusionReason][] = [];
  const memberships = [0, 0, 0, 0];
  for (const [i, one] of people.entries()) {
    const lists = listsOf(one);
    const included = lists.filter(isIncluded);
    for (const list of included) memberships[list] = (memberships[list] ?? 0) + 1;
    if (included.length === 0) continue;
    if (included.length > 1) count('duplicate-address', included.length - 1);
    const messages = counted(one, ['sent', 'in doubt', 'waits, made before', 'waits, made after']);
    const reason =
      included.length < lists.length
        ? 'excluded-list'
        : (personalReason(one, rule) ?? (isAtLimit(rule.sendLimits, messages) ? 'send-limit' : null));
    if (reason === null) queue.push(ids[i] ?? 0);
    else {
      count(reason);
      leftOut.push([ids[i] ?? 0, reason]);
    }
  }
  return { counts: { queued: queue.length, excluded }, queue, leftOut, memberships };
}

function atSending(one: Person, rule: Rule): ExclusionReason | null {
  if (one.isGone) return 'no-address';
  const messages = counted(one, ['sent', 'in doubt', 'waits, made before']);
  return personalReason(one, rule) ?? (isAtLimit(rule.sendLimits, messages) ? 'send-limit' : null);
}

// --- The same in the database -----------------------------------------------------------------------------------

type World = Awaited<ReturnType<typeof makeWorld>>;

async function makeWorld(size: number) {
  const { db } = database;
  await db.execute(sql`
    truncate contact, contact_list, campaign, campaign_list, list_member, list_opt_out, global_opt_out, suppression,
      dispatch_queue, dispatch_exclusion, dispatch_outcome restart identity cascade`);
  const ids = await insertContacts(
    db,
    Array.from({ length: size }, (_, i) => ({ email: `p${i}@example.com` })),
  );
  const lists: number[] = [];
  for (const list of allLists) {
    const cel = segments[list as keyof typeof segments]?.cel;
    lists.push((cel === undefined ? await insertList(db, []) : await insertSegment(db, cel)).id);
  }
  const before = await insertCampaign(db, {});
  const id = await insertCampaign(db, { include: lists.slice(0, 4), exclude: lists.slice(4) });
  const after = await insertCampaign(db, {});
  const ended = await insertCampaign(db, {});
  await db.execute(sql`
    update campaign set queued = 99, state = case id when ${ended} then 'Sent' else 'Sending' end,
           ended_at = case id when ${ended} then now() end where id <> ${id}`);
  return { id, ids, lists, before, after, ended };
}

/** Makes the people what they are now, whatever they were before. */
async function store({ id, ids, lists, ...campaigns }: World, people: readonly Person[]): Promise<void> {
  const { db } = database;
  const key = (i: number) => `p${i}@example.com`;
  const idOf = (i: number) => ids[i] ?? 0;
  await db.execute(sql`truncate list_member, list_opt_out, global_opt_out, suppression, dispatch_outcome`);
  await db.execute(sql`delete from dispatch_queue where campaign_id <> ${id}`);
  for (const [i, { isGone, bounceCount, doNotMarket, consentRevoked, language }] of people.entries()) {
    const where = eq(contact.id, idOf(i));
    if (isGone) await db.delete(contact).where(where);
    else await db.update(contact).set({ bounceCount, doNotMarket, consentRevoked, language }).where(where);
  }
  const all = <T>(rows: (one: Person, i: number) => T[]) => people.flatMap(rows);
  const members = all((one, i) =>
    one.lists.map((list) => ({ listId: lists[list] ?? 0, contactId: idOf(i) })),
  );
  if (members.length > 0) await db.insert(listMember).values(members);
  const entry = (i: number) => ({ emailKey: key(i), reason: 'test' });
  const optOuts = all((one, i) => one.optedOutOf.map((list) => ({ listId: lists[list] ?? 0, ...entry(i) })));
  if (optOuts.length > 0) await db.insert(listOptOut).values(optOuts);
  const globally = all((one, i) => (one.optedOut ? [entry(i)] : []));
  if (globally.length > 0) await db.insert(globalOptOut).values(globally);
  const suppressed = all((one, i) => (one.suppressed ? [entry(i)] : []));
  if (suppressed.length > 0) await db.insert(suppression).values(suppressed);

  const outcomes = {
    sent: 'sent',
    'in doubt': 'in_doubt',
    failed: 'failed',
    'sent long ago': 'sent',
  } as const;
  const entries = all((one, i) => one.has.map((other) => ({ other, contactId: idOf(i) })));
  const rows = entries.map(({ other, contactId }, index) => {
    const campaignId =
      other === 'waits, made before'
        ? campaigns.before
        : other === 'waits, made after'
          ? campaigns.after
          : campaigns.ended;
    return { other, campaignId, contactId, position: index + 1, language: 'en' };
  });
  if (rows.length > 0) await db.insert(dispatchQueue).values(rows);
  const ledger = rows.flatMap(({ other, campaignId, contactId, position }) => {
    if (!(other in outcomes)) return [];
    const kind = outcomes[other as keyof typeof outcomes];
    const at = new Date(Date.now() - (other === 'sent long ago' ? 40 * 86_400_000 : 0));
    return [{ campaignId, contactId, position, batch: 1, server: 'd1', kind, at }];
  });
  if (ledger.length > 0) await db.insert(dispatchOutcome).values(ledger);
}
