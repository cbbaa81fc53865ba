import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { audienceText, type ShownAudience } from '../../../src/cli/show-audience.ts';
import { emailKey } from '../../../src/contacts/addresses/email-address.ts';
import { audienceOf } from '../../../src/contacts/audience/audience.ts';
import { audienceReport, sumOf } from '../../../src/contacts/audience/audience-report.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import { campaignList, globalOptOut, listOptOut } from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import {
  audienceSettings,
  insertCampaign,
  insertContacts,
  insertList,
  insertOutcome,
  insertSegment,
  quietZone,
} from '../fixtures.ts';

const database = useTestDatabase();
const settings = { ...audienceSettings, sendLimits: { day: 1, timeZone: quietZone } };

/** As the command hands it over. */
const shown = (report: Awaited<ReturnType<typeof audienceReport>>): ShownAudience => ({
  id: 'autumn-7k3f',
  name: 'Autumn',
  state: report.basis === 'now' ? 'Draft' : 'Sending',
  subState: 'None',
  queuedAt: report.basis === 'now' ? null : '2026-09-01T08:00:00.000Z',
  ...report,
});

describe('the audience of a campaign', () => {
  it('is counted by reason, by list and by what overlaps, and after queueing as it was stored', async () => {
    const { db } = database;
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = await insertContacts(db, [
      { email: 'a@example.com' },
      { email: 'b@example.com', language: 'de' },
      { email: 'c@example.com', language: 'de', doNotMarket: true },
      { email: 'd@example.com', bounceCount: 9, doNotMarket: true },
      { email: 'e@example.com', language: 'de' },
      { email: 'f@example.com' },
      { email: 'g@example.com' },
    ]);
    const readers = await insertList(db, [a, b, c, d, f]);
    const segment = await insertSegment(db, 'contact.language == "de"');
    const never = await insertList(db, [d, e, f + 1]);
    await db.insert(globalOptOut).values({ emailKey: emailKey('c@example.com'), reason: 'test' });
    // Who opted out of the first list counts for the second one.
    await db
      .insert(listOptOut)
      .values({ listId: readers.id, emailKey: emailKey('b@example.com'), reason: 'test' });
    await insertOutcome(db, f, 'sent');
    const id = await insertCampaign(db, { include: [readers.id, segment.id], exclude: [never.id] });

    const report = await audienceReport(db, id, settings);
    const excluded = {
      'excluded-list': 2,
      'global-opt-out': 1,
      'duplicate-address': 2,
      'send-limit': 1,
    };
    expect(report).toEqual({
      basis: 'now',
      isNamed: false,
      memberships: 8,
      queued: 2,
      excluded,
      lists: {
        included: [
          {
            name: readers.name,
            isSegment: false,
            memberships: 5,
            queued: 1,
            excluded: { 'excluded-list': 1, 'global-opt-out': 1, 'duplicate-address': 1, 'send-limit': 1 },
          },
          {
            name: segment.name,
            isSegment: true,
            memberships: 3,
            queued: 1,
            excluded: { 'excluded-list': 1, 'duplicate-address': 1 },
          },
        ],
        excluded: [{ name: never.name, isSegment: false, members: 3, onIncluded: 2 }],
        overlaps: {
          onSeveralLists: 2,
          onExcludedLists: 2,
          reasons: [
            { reasons: ['excluded-list', 'do-not-market'], people: 1 },
            { reasons: ['excluded-list', 'undelivered-maximum'], people: 1 },
            { reasons: ['global-opt-out', 'do-not-market'], people: 1 },
            { reasons: ['do-not-market', 'undelivered-maximum'], people: 1 },
          ],
        },
      },
    });
    expect(await audienceOf(db, id, settings)).toEqual({ queued: 2, excluded });
    for (const one of [report, ...(report.lists?.included ?? [])])
      expect(one.memberships).toBe(one.queued + sumOf(one.excluded));
    const text = audienceText(shown(report));
    for (const part of [
      /^Autumn \(autumn-7k3f\) is Draft\nIf it were queued now, 2 people would get it\.$/m,
      /^memberships +8\n= queued +2\n\+ excluded-list +2\n\+ global-opt-out +1\n\+ duplicate-address +2\n\+ send-limit +1$/m,
      new RegExp(`^ {2}${segment.name} \\(segment\\) +3\n {2}= queued +1\n`, 'm'),
      new RegExp(`^Left out\n {2}${never.name} +2 +of 3 on an included list$`, 'm'),
      /^Overlaps\n {2}2 {2}on several included lists: each gets it once at the most\n {2}2 {2}on an included and an excluded list: they get nothing\n {2}1 {2}both excluded-list and do-not-market$/m,
    ])
      expect(text).toMatch(part);

    await queueMessage(db, id, settings);
    await db.execute(sql`update contact set do_not_market = true`);
    const stored = await audienceReport(db, id, settings);
    expect(stored).toEqual({
      basis: 'queued',
      isNamed: false,
      memberships: 8,
      queued: 2,
      excluded,
      lists: null,
    });
    expect(audienceText(shown(stored))).toMatch(
      /is Sending\nIt was queued for 2 people, before 2026-09-01 08:00:00 UTC\. This is what was stored then\.\n\nmemberships +8\n/,
    );
  });

  it('may be nobody', async () => {
    const { db } = database;
    const [empty, other] = [await insertList(db, []), await insertList(db, [])];
    const id = await insertCampaign(db, { include: [empty.id], exclude: [other.id] });
    const report = await audienceReport(db, id, settings);
    expect(report).toMatchObject({ memberships: 0, queued: 0, excluded: {} });
    expect(audienceText(shown(report))).toBe(
      `Autumn (autumn-7k3f) is Draft\nIf it were queued now, nobody would get it.\n\nmemberships  0\n= queued     0\n\nLeft out\n  ${other.name}  0  of 0 on an included list`,
    );
    await db.delete(campaignList);
    expect(await audienceReport(db, id, settings)).toMatchObject({
      memberships: 0,
      lists: { included: [], excluded: [], overlaps: { onSeveralLists: 0, onExcludedLists: 0, reasons: [] } },
    });
  });

  it('stands below each other and within the width however large the numbers are', () => {
    const many = 12_345_678_901;
    const counts = { memberships: many, queued: 7, excluded: { 'undelivered-maximum': many - 7 } };
    const report = {
      basis: 'now' as const,
      isNamed: false,
      ...counts,
      lists: {
        included: [
          { name: 'n'.repeat(60), isSegment: true, ...counts },
          { name: 'short', isSegment: false, memberships: 0, queued: 0, excluded: {} },
        ],
        excluded: [],
        overlaps: { onSeveralLists: many, onExcludedLists: 0, reasons: [] },
      },
    };
    const lines = audienceText(shown(report)).split('\n');
    expect(
      lines.filter((line) => /\d$/.test(line) && line.startsWith('  ')).map((line) => line.length),
    ).toEqual(Array.from({ length: 5 }, () => 2 + 60 + ' (segment)'.length + 2 + 11));
    expect(lines).toContain('  12345678901  on several included lists: each gets it once at the most');
  });
});
