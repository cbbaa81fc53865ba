import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { audienceOf } from '../../../src/contacts/audience/audience.ts';
import { audienceReport } from '../../../src/contacts/audience/audience-report.ts';
import { holdsAtSending } from '../../../src/contacts/audience/exclusion.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import {
  contact,
  dispatchExclusion,
  globalOptOut,
  listMember,
  listOptOut,
  suppression,
} from '../../../src/db/schema.ts';
import { readRecipients } from '../../../src/dispatch/read-recipients.ts';
import { type ExclusionReason, exclusionReasons } from '../../../src/domain/outcome.ts';
import { useTestDatabase } from '../../support/database.ts';
import {
  audienceSettings,
  insertCampaign,
  insertContacts,
  insertFormerOwner,
  insertList,
  insertOutcome,
  insertSegment,
  queuedContacts,
  quietZone,
} from '../fixtures.ts';

const database = useTestDatabase();
beforeEach(async () => {
  await database.db.execute(sql`
    truncate email_address_history, contact, contact_list, list_member, list_opt_out, campaign, campaign_list, dispatch_queue, dispatch_exclusion,
      dispatch_outcome, global_opt_out, suppression restart identity cascade`);
});

const settings = { ...audienceSettings, sendLimits: { day: 1, timeZone: quietZone } };
const email = 'no@example.com';

interface Sample {
  readonly id: string;
  readonly no: number;
  readonly yes: number;
  readonly include: number;
  readonly exclude: number;
}

/**
 * What makes each reason hold for a person who would otherwise get the campaign. `no-address` comes last, for it takes the
 * address away by which others are kept: they are kept by what is left of it.
 */
const holds: Record<
  Exclude<ExclusionReason, 'duplicate-address' | 'unknown-contact'>,
  (sample: Sample, key: string) => Promise<unknown>
> = {
  'excluded-list': async ({ exclude, no }) =>
    await database.db.insert(listMember).values({ listId: exclude, contactId: no }),
  'global-opt-out': async (_sample, emailKey) =>
    await database.db.insert(globalOptOut).values({ emailKey, reason: 'test' }),
  'do-not-market': async ({ no }) => await change(no, { doNotMarket: true }),
  'consent-revoked': async ({ no }) => await change(no, { consentRevoked: true }),
  'undelivered-maximum': async ({ no }) => await change(no, { bounceCount: 6 }),
  'suppression-list': async (_sample, emailKey) =>
    await database.db.insert(suppression).values({ emailKey, reason: 'test' }),
  'former-address': async (_sample, key) => await insertFormerOwner(database.db, key),
  'list-opt-out': async ({ include }, emailKey) =>
    await database.db.insert(listOptOut).values({ listId: include, emailKey, reason: 'test' }),
  'no-address': async ({ no }) => await change(no, { email: '', emailKey: '' }),
  'send-limit': async ({ no }) => await insertOutcome(database.db, no, 'sent'),
};
type Reason = keyof typeof holds;

const reasons = exclusionReasons.filter((reason): reason is Reason => reason in holds);
const pairs = reasons.flatMap((a, i) => reasons.slice(i + 1).map((b) => [a, b]));
const cases = [...reasons.map((reason) => [reason]), ...pairs, reasons].map((held) => ({
  held,
  name: held.length > 2 ? 'all' : held.join(' and '),
}));

async function change(id: number, values: Partial<typeof contact.$inferInsert>): Promise<void> {
  await database.db.update(contact).set(values).where(eq(contact.id, id));
}

/** A campaign to two people on a list and in a segment, without whoever is on another list. */
async function sample(): Promise<Sample> {
  const { db } = database;
  const [no = 0, yes = 0] = await insertContacts(db, [{ email }, { email: 'yes@example.com' }]);
  const include = await insertList(db, [no, yes]);
  const exclude = await insertList(db, []);
  const nobody = await insertSegment(db, 'contact.language == "tlh"');
  const id = await insertCampaign(db, {
    include: [include.id, nobody.id],
    exclude: [exclude.id, nobody.id],
  });
  return { id, no, yes, include: include.id, exclude: exclude.id };
}

async function hold(sample: Sample, held: readonly Reason[]): Promise<void> {
  const key = held.includes('no-address') ? '' : email;
  for (const reason of held) await holds[reason](sample, key);
}

describe('somebody for whom this holds:', () => {
  it.each(cases)('$name - is left out when a campaign is queued, for the first of it', async ({ held }) => {
    const one = await sample();
    await hold(one, held);
    const expected = { queued: 1, excluded: { [held[0] ?? '']: 1 } };
    expect(await audienceOf(database.db, one.id, settings)).toEqual(expected);
    const report = await audienceReport(database.db, one.id, settings);
    expect(report).toMatchObject({ ...expected, memberships: 2 });
    expect(report.lists?.overlaps.reasons.map((pair) => pair.reasons)).toEqual(
      held.length === 1 ? [] : held.length === 2 ? [held] : pairs,
    );
    expect(await queueMessage(database.db, one.id, settings)).toEqual(expected);
    expect(await database.db.select().from(dispatchExclusion)).toEqual([
      { campaignId: one.id, contactId: one.no, reason: held[0] },
    ]);
    expect(await queued(one.id)).toEqual([one.yes]);
  });

  it.each(cases)(
    '$name - is left out when its turn comes, for the first that counts then',
    async ({ held }) => {
      const one = await sample();
      expect(await queueMessage(database.db, one.id, settings)).toMatchObject({ queued: 2 });
      await hold(one, held);
      const recipients = await readRecipients(database.db, one.id, { first: 1, last: 9 }, 9, settings);
      expect(recipients.map(({ exclusion }) => exclusion)).toEqual([held.find(holdsAtSending) ?? null, null]);
    },
  );

  it.each(reasons)('%s - is left out once, however many included lists it is on', async (reason) => {
    const one = await sample();
    const second = await insertList(database.db, [one.no, one.yes]);
    const id = await insertCampaign(database.db, {
      include: [one.include, second.id],
      exclude: [one.exclude],
    });
    await hold(one, [reason]);
    // Who has opted out of one list gets it by the other.
    const isLeftOut = reason !== 'list-opt-out';
    expect(await queueMessage(database.db, id, settings)).toEqual({
      queued: isLeftOut ? 1 : 2,
      excluded: { ...(isLeftOut ? { [reason]: 1 } : {}), 'duplicate-address': 2 },
    });
    expect(await queued(id)).toEqual(isLeftOut ? [one.yes] : [one.no, one.yes]);
  });
});

const queued = async (campaignId: string) => await queuedContacts(database.db, campaignId);
