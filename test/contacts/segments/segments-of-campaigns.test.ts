import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { emailKey } from '../../../src/contacts/addresses/email-address.ts';
import { audienceOf } from '../../../src/contacts/audience/audience.ts';
import { audienceReport } from '../../../src/contacts/audience/audience-report.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import {
  campaign,
  campaignList,
  contact,
  contactList,
  dispatchExclusion,
  listOptOut,
} from '../../../src/db/schema.ts';
import { recipientReport } from '../../../src/reporting/recipient/read-report.ts';
import { unsubscribe } from '../../../src/tracking/unsubscribe.ts';
import { useTestDatabase } from '../../support/database.ts';
import {
  audienceSettings,
  exclusionsAtSending,
  insertCampaign,
  insertContacts,
  insertList,
  insertSegment,
  queuedContacts,
} from '../fixtures.ts';

const database = useTestDatabase();
beforeEach(async () => {
  await database.db.execute(sql`
    truncate contact, contact_list, list_member, list_opt_out, campaign, campaign_list, dispatch_queue restart identity cascade`);
});

const settings = audienceSettings;
const german = 'contact.language == "de"';
const french = 'contact.language == "fr"';

const optOutOf = (listId: number, email: string) =>
  database.db.insert(listOptOut).values({ listId, emailKey: emailKey(email), reason: 'test' });

async function leftOut(campaignId: string): Promise<Record<number, string>> {
  const rows = await database.db
    .select()
    .from(dispatchExclusion)
    .where(eq(dispatchExclusion.campaignId, campaignId));
  return Object.fromEntries(rows.map((row) => [row.contactId, row.reason]));
}

const queued = async (campaignId: string) => await queuedContacts(database.db, campaignId);
const atSending = async (campaignId: string) => await exclusionsAtSending(database.db, campaignId, settings);

describe('a campaign to segmented lists', () => {
  it('goes to whom they hold for, once, and not to whom an excluded one holds for', async () => {
    const [de = 0, both = 0, fr = 0, listed = 0] = await insertContacts(database.db, [
      { email: 'de@example.com', language: 'de' },
      { email: 'both@example.com', language: 'de' },
      { email: 'fr@example.com', language: 'fr' },
      { email: 'listed@example.com', language: 'en' },
      { email: 'nobody@example.com', language: 'en' },
    ]);
    const list = await insertList(database.db, [both, fr, listed]);
    const include = await insertSegment(database.db, german);
    const exclude = await insertSegment(database.db, french);
    const id = await insertCampaign(database.db, { include: [list.id, include.id], exclude: [exclude.id] });
    const expected = { queued: 3, excluded: { 'excluded-list': 1, 'duplicate-address': 1 } };
    expect(await audienceOf(database.db, id, settings)).toEqual(expected);
    expect(await queueMessage(database.db, id, settings)).toEqual(expected);
    expect(await queued(id)).toEqual([de, both, listed]);
    expect(await leftOut(id)).toEqual({ [fr]: 'excluded-list' });
    // Who is excluded is settled when it is queued, by a segment as by a list.
    await database.db.update(contact).set({ language: 'fr' });
    expect(await atSending(id)).toEqual([null, null, null]);
    await database.db.update(campaign).set({ definition: { pool: 'default' } });
    const report = await recipientReport(database.db, id, 'listed@example.com', settings);
    expect(report).toMatchObject({
      answer: 'waiting',
      lists: [
        { name: list.name, isMember: true },
        { name: include.name, isMember: false },
        { name: exclude.name, isMember: true },
      ],
    });
  });

  it('goes to nobody for a segment that they have opted out of, but for another list that they are on', async () => {
    const [one = 0, listed = 0, other = 0, gone = 0] = await insertContacts(database.db, [
      { email: 'one@example.com', language: 'de' },
      { email: 'listed@example.com', language: 'de' },
      { email: 'other@example.com', language: 'de', firstName: 'Ann' },
      { email: 'gone@example.com', language: 'de', firstName: 'Ann' },
    ]);
    const list = await insertList(database.db, [listed]);
    const segment = await insertSegment(database.db, german);
    const second = await insertSegment(database.db, 'contact.firstName == "Ann"');
    const lists = { include: [list.id, segment.id, second.id] };
    const before = await insertCampaign(database.db, lists);
    await queueMessage(database.db, before, settings);
    for (const email of ['one', 'listed', 'other', 'gone'])
      await optOutOf(segment.id, `${email}@example.com`);
    await optOutOf(second.id, 'gone@example.com');

    const id = await insertCampaign(database.db, lists);
    expect(await queueMessage(database.db, id, settings)).toEqual({
      queued: 2,
      excluded: { 'list-opt-out': 2, 'duplicate-address': 3 },
    });
    expect(await queued(id)).toEqual([listed, other]);
    expect(await leftOut(id)).toEqual({ [one]: 'list-opt-out', [gone]: 'list-opt-out' });
    // The same for who was queued before.
    expect(await atSending(before)).toEqual(['list-opt-out', null, null, 'list-opt-out']);
    // Whoever the other segment does not hold for any more is on no list without an opt-out.
    await database.db.update(contact).set({ firstName: 'Bob' }).where(eq(contact.id, other));
    expect(await atSending(before)).toEqual(['list-opt-out', null, 'list-opt-out', 'list-opt-out']);
  });

  const brokenConditions = {
    'does not compile': 'contact.',
    'takes a facet for another type than it has now': 'contact.facets.age == "18"',
    'takes text for a number': '!(contact.facets.city > 1)',
    'asks for a list that is gone': '!("gone" in contact.lists)',
    'asks for a campaign that is gone': 'opens("gone") == 0',
  };
  it.each(
    Object.entries(brokenConditions).flatMap(([what, expression]) =>
      (['include', 'exclude'] as const).map((role) => [role, what, expression] as const),
    ),
  )(
    'is neither counted, queued nor sent where a segment that it would %s %s',
    async (role, _, expression) => {
      const [contactId = 0] = await insertContacts(database.db, [
        { email: 'a@example.com', facets: { age: 18, city: 'Bonn' } },
      ]);
      await database.db.execute(
        sql`insert into facet (name, type) values ('age', 'number') on conflict do nothing`,
      );
      const list = await insertList(database.db, [contactId]);
      const segment = await insertSegment(database.db, 'contact.facets.age == 18');
      const include = role === 'include' ? [list.id, segment.id] : [list.id];
      const ofRole = { include, exclude: role === 'exclude' ? [segment.id] : [] };
      const before = await insertCampaign(database.db, { include: [list.id] });
      await queueMessage(database.db, before, settings);
      const id = await insertCampaign(database.db, ofRole);
      await database.db.update(contactList).set({ expression }).where(eq(contactList.id, segment.id));

      const refused = {
        code: 'SEGMENT_WRONG',
        field: `list ${segment.name}`,
        value: expression,
        message: expect.stringContaining(`segmented list "${segment.name}"`),
      };
      await expect(queueMessage(database.db, id, settings)).rejects.toMatchObject(refused);
      await expect(audienceOf(database.db, id, settings)).rejects.toMatchObject(refused);
      await expect(audienceReport(database.db, id, settings)).rejects.toMatchObject(refused);
      const named = {
        batches: [{ contactIds: [contactId], variants: [null], languages: [null] }],
        unknown: 0,
      };
      await expect(queueMessage(database.db, id, { ...settings, named })).rejects.toMatchObject(refused);
      expect(await queued(id)).toEqual([]);
      // Whoever has opted out of a list is asked by the segments at sending.
      await database.db.insert(campaignList).values({ campaignId: before, listId: segment.id, role });
      await optOutOf(list.id, 'a@example.com');
      await expect(atSending(before)).rejects.toMatchObject(refused);
    },
  );

  it('is unsubscribed from with its segments, also by whom they hold for no more', async () => {
    const [contactId = 0] = await insertContacts(database.db, [{ email: 'a@example.com', language: 'de' }]);
    const [include, exclude] = [
      await insertSegment(database.db, german),
      await insertSegment(database.db, french),
    ];
    const id = await insertCampaign(database.db, { include: [include.id], exclude: [exclude.id] });
    await queueMessage(database.db, id, settings);
    await database.db.update(contact).set({ language: 'en' });
    const token = { campaignId: id, position: 1, contactId };
    expect(await unsubscribe(database.db, token, 'lists', '')).toMatchObject({ result: 'unsubscribed' });
    expect(await unsubscribe(database.db, token, 'lists', '')).toEqual({ result: 'already' });
    const optOuts = await database.db.select().from(listOptOut);
    expect(optOuts.map((row) => row.listId)).toEqual([include.id]);
    expect(await atSending(id)).toEqual(['list-opt-out']);
  });

  it('says of a list that became a segment only whom it holds for', async () => {
    const [contactId = 0] = await insertContacts(database.db, [{ email: 'a@example.com', language: 'en' }]);
    const list = await insertList(database.db, [contactId]);
    await database.db.update(contactList).set({ expression: german });
    const id = await insertCampaign(database.db, { include: [list.id] });
    expect(await queueMessage(database.db, id, settings)).toEqual({ queued: 0, excluded: {} });
  });
});
