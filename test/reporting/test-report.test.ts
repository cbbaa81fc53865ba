import { sql } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import { findCampaign } from '../../src/campaigns/find-campaign.ts';
import { decideWinner, moveDecision, testIsOut } from '../../src/campaigns/test-winner.ts';
import { queueMessage } from '../../src/contacts/audience/queue-message.ts';
import { deployAnalytics } from '../../src/message/freeze/deploy.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { auditTrail } from '../../src/reporting/audit-trail.ts';
import { campaignPage } from '../../src/reporting/pages/campaign-page.ts';
import { campaignReport } from '../../src/reporting/report.ts';
import { testReport } from '../../src/reporting/test-report.ts';
import { insertContacts, insertList } from '../contacts/fixtures.ts';
import { definition } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const person =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36';
const gmail = 'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)';
const shop = 'https://shop.example.com/order';
const html = `<html><body><a href="https://shop.example.com/">shop</a> <a href="${shop}">order</a></body></html>`;
const people = 40;

const database = useTestDatabase();
let list: string;
beforeAll(async () => {
  const ids = await insertContacts(
    database.db,
    Array.from({ length: people }, (_, n) => ({ email: `p${n}@example.com` })),
  );
  list = (await insertList(database.db, ids)).name;
});

/** A campaign whose test of 20 is out: positions 1, 3, 5 ... got A and 2, 4, 6 ... B. */
async function tested(by: 'open-rate' | 'click-rate' | 'value-per-visit' = 'open-rate') {
  const { db } = database;
  const { id } = await createCampaign(
    db,
    definition({
      html,
      include: [list],
      goals: [{ name: 'order', url: shop, value: 25 }],
      test: {
        share: 50,
        variants: [
          { bodies: { en: { subject: 'Hi', template: { format: 'html', file: 'b.html', source: html } } } },
        ],
        winner: { by, afterMs: 3_600_000 },
      },
    }),
  );
  await deployAnalytics(db, id, 'https://mail.example.com');
  await queueMessage(db, id, {
    undeliveredMaximum: 5,
    checkSuppressionList: true,
    languages: ['en'],
    defaultLanguage: 'en',
    test: { share: 50, variants: 2 },
  });
  await db.execute(sql`update campaign set state = 'Sending', sub_state = 'Sending' where id = ${id}`);
  const sent = async (first: number, last: number) =>
    await db.execute(sql`
      insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at)
      select campaign_id, position, contact_id, 1, 'd1', 'sent', now() from dispatch_queue
       where campaign_id = ${id} and position between ${first} and ${last}`);
  await sent(1, 20);
  return {
    id,
    sent,
    report: async () => await testReport(db, await findCampaign(db, id), 20),
    happened: async (
      type: string,
      positions: readonly number[],
      userAgent = person,
      link: number | null = null,
    ) => {
      await db.execute(sql`
        insert into event_inbox (type, campaign_id, position, contact_id, link, user_agent)
        select ${type}, ${id}, position, contact_id, ${link}::smallint, ${userAgent} from dispatch_queue
         where campaign_id = ${id} and position = any(${sql.param(positions)}::int[])`);
    },
  };
}

describe('the report of an A/B test', () => {
  test('counts what recipients did by variant, be it processed or still in the inbox', async () => {
    const campaign = await tested();
    await campaign.happened('EmailOpened', [1, 3, 2]);
    await processEvents(database.db, 1_000);
    // The same person again, one more by its provider's proxy, and machines that count for nothing.
    await campaign.happened('EmailOpened', [1]);
    await campaign.happened('EmailOpened', [5], gmail);
    await campaign.happened('EmailOpened', [7, 9], 'curl/8.5.0');
    await campaign.happened('EmailClicked', [4], person, 0);
    await campaign.happened('EmailClicked', [4, 6], person, 1);
    await campaign.happened('EmailClicked', [4, 6], person, 1);
    await campaign.happened('EmailClicked', [8], 'Barracuda Sentinel (EE)', 1);
    const before = await campaign.report();
    expect(before).toMatchObject({ share: 50, size: 20, winner: null, rule: { by: 'open-rate' } });
    expect(before?.variants).toMatchObject([
      {
        variant: 'A',
        subject: 'Hello',
        recipients: 10,
        sent: 10,
        opened: 3,
        clicked: 0,
        value: 0,
        openRate: 0.3,
      },
      {
        variant: 'B',
        subject: 'Hi',
        recipients: 10,
        sent: 10,
        opened: 3,
        clicked: 2,
        value: 50,
        clickRate: 0.2,
        valuePerVisit: 25,
      },
    ]);
    expect(before?.remainder).toMatchObject({ recipients: 20, sent: 0, opened: 0 });
    while ((await processEvents(database.db, 1_000)).processed > 0);
    expect(await campaign.report()).toEqual(before);
  });

  test('tells apart what those do who got the winner', async () => {
    const campaign = await tested();
    expect(await decideWinner(database.db, campaign.id, { variant: 1, by: 'ann', why: 'clear' })).toEqual({
      winner: 1,
    });
    // The first choice stays.
    expect(await decideWinner(database.db, campaign.id, { variant: 0, by: 'bob' })).toEqual({ winner: 1 });
    await campaign.sent(21, 40);
    await campaign.happened('EmailOpened', [1, 25, 30]);
    const report = await testReport(database.db, await findCampaign(database.db, campaign.id), 40);
    expect(report?.winner).toMatchObject({ variant: 'B', by: 'ann' });
    expect(report?.variants[0]).toMatchObject({ opened: 1, sent: 10 });
    expect(report?.remainder).toMatchObject({ recipients: 20, sent: 20, opened: 2, openRate: 0.1 });
    const entries = (await auditTrail(database.db, campaign.id)).filter(({ what }) => what === 'winner');
    expect(entries).toMatchObject([
      {
        actor: 'ann',
        to: 'B',
        why: 'clear; open rate: A 0.0 % (0 of 10), B 0.0 % (0 of 10); click rate: A 0.0 % (0 of 10), B 0.0 % (0 of 10)',
      },
    ]);
    const page = campaignPage(await campaignReport(database.db, campaign.id));
    expect(page).toContain('<h2>A/B test</h2>');
    expect(page).toMatch(/<b>B<\/b> – the winner/);
  });

  test('has the clock choose by what is measured, not before its time, which may be moved', async () => {
    const { db } = database;
    const campaign = await tested('value-per-visit');
    const { dueAt = 0 } = await testIsOut(db, campaign.id);
    expect(dueAt - Date.now()).toBeGreaterThan(3_000_000);
    expect(await testIsOut(db, campaign.id)).toEqual({ dueAt });
    expect(await decideWinner(db, campaign.id)).toEqual({ dueAt, inMs: expect.any(Number) });
    await campaign.happened('EmailClicked', [1, 3], person, 0);
    await campaign.happened('EmailClicked', [2], person, 1);
    const moved = await moveDecision(db, {
      campaignId: campaign.id,
      at: { inMs: 0 },
      by: 'ann',
      why: 'sooner',
    });
    expect(moved.dueAt).toBeLessThan(dueAt);
    expect(await decideWinner(db, campaign.id)).toEqual({ winner: 1 });
    expect(await moveDecision(db, { campaignId: campaign.id, at: { inMs: 0 }, by: 'ann' })).toEqual({});
    const trail = (await auditTrail(db, campaign.id)).filter(({ what }) => what.startsWith('winner'));
    expect(trail).toMatchObject([
      { what: 'winner due', actor: 'ann', from: new Date(dueAt).toISOString(), why: 'sooner' },
      {
        what: 'winner',
        actor: 'exm',
        to: 'B',
        why: 'value per visit: A 0.00 (0 by 2 visitors), B 25.00 (25 by 1 visitors)',
      },
    ]);
  });

  test('is none of a campaign without a test, and no winner is chosen there', async () => {
    const { id } = await createCampaign(database.db, definition({ include: [list] }));
    expect(await testReport(database.db, await findCampaign(database.db, id), 0)).toBeNull();
    await expect(decideWinner(database.db, id, { variant: 0, by: 'ann' })).rejects.toMatchObject({
      code: 'WINNER_REFUSED',
    });
  });
});
