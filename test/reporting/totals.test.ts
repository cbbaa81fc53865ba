import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { campaign, dispatchOutcome, server } from '../../src/db/schema.ts';
import { booksBalance } from '../../src/domain/outcome.ts';
import { auditedTotals, campaignTotals, serverShares } from '../../src/reporting/totals.ts';
import { createTestDatabase } from '../support/database.ts';
import { insertCampaign, insertOutcomes, range } from './sample-campaign.ts';

const database = await createTestDatabase();
const { db } = database;
afterAll(() => database.drop());
beforeEach(async () => {
  await db.execute(sql`truncate campaign, dispatch_queue, dispatch_outcome, server cascade`);
});

const id = 'autumn-7k3f';
const sent = (first: number, last: number, name = 'mta-1') =>
  range(first, last).map((position) => ({ position, kind: 'sent' as const, server: name }));

describe('the totals of a campaign', () => {
  it('are all zero before anything was queued', async () => {
    await insertCampaign(db, id, 0, { state: 'Draft', queued: null });
    const totals = await campaignTotals(db, id);
    expect(totals).toEqual({
      queued: 0,
      sent: 0,
      failed: 0,
      skipped: 0,
      cancelled: 0,
      inDoubt: 0,
      remaining: 0,
    });
    expect(await auditedTotals(db, id)).toEqual(totals);
  });

  it('are the sums of its batches while it sends', async () => {
    await insertCampaign(db, id, 100);
    await insertOutcomes(db, id, 1, [...sent(1, 30), { position: 31, kind: 'failed' }]);
    await insertOutcomes(db, id, 2, [
      ...sent(32, 40, 'mta-2'),
      { position: 41, kind: 'skipped' },
      { position: 42, kind: 'in_doubt' },
    ]);
    const totals = await campaignTotals(db, id);
    expect(totals).toEqual({
      queued: 100,
      sent: 39,
      failed: 1,
      skipped: 1,
      cancelled: 0,
      inDoubt: 1,
      remaining: 58,
    });
    expect(await auditedTotals(db, id)).toEqual(totals);
  });

  it('do not read the ledger while it sends, and do once it has ended and somebody is not accounted for', async () => {
    await insertCampaign(db, id, 10);
    await insertOutcomes(db, id, 1, sent(1, 6));
    // In the ledger, but in no batch: as cancelling enters them.
    await insertOutcomes(
      db,
      id,
      0,
      range(7, 10).map((position) => ({ position, kind: 'cancelled' as const })),
    );
    expect(await campaignTotals(db, id)).toMatchObject({ sent: 6, cancelled: 0, remaining: 4 });
    await db.update(campaign).set({ state: 'Inactive', subState: 'Cancelled' }).where(eq(campaign.id, id));
    const totals = await campaignTotals(db, id);
    expect(totals).toMatchObject({ queued: 10, sent: 6, cancelled: 4, remaining: 0 });
    expect(booksBalance(totals)).toBe(true);
  });

  it('count those who were cancelled as soon as the campaign is being cancelled', async () => {
    await insertCampaign(db, id, 3, { word: 'cancel' });
    await insertOutcomes(db, id, 0, [{ position: 2, kind: 'cancelled' }]);
    expect(await campaignTotals(db, id)).toMatchObject({ cancelled: 1, remaining: 2 });
  });

  it('of a campaign that does not exist are refused', async () => {
    await expect(campaignTotals(db, 'nobody-0000')).rejects.toMatchObject({
      code: 'CAMPAIGN_UNKNOWN',
      exitCode: 2,
    });
    await expect(serverShares(db, 'nobody-0000')).rejects.toMatchObject({ code: 'CAMPAIGN_UNKNOWN' });
  });
});

describe('the audited totals', () => {
  it('find a recipient that the batches claim but the ledger lacks', async () => {
    await insertCampaign(db, id, 5, { state: 'Sent' });
    await insertOutcomes(db, id, 1, sent(1, 5));
    await db.delete(dispatchOutcome).where(eq(dispatchOutcome.position, 3));
    const totals = await auditedTotals(db, id);
    expect(totals).toMatchObject({ sent: 4, remaining: 1 });
    expect(booksBalance(totals)).toBe(false);
  });

  it('do not balance where the ledger has an outcome of somebody who was never queued', async () => {
    await insertCampaign(db, id, 2);
    await insertOutcomes(db, id, 1, sent(1, 3));
    const totals = await auditedTotals(db, id);
    expect(totals).toMatchObject({ queued: 2, sent: 3, remaining: 0 });
    expect(booksBalance(totals)).toBe(false);
  });

  it('are those of one campaign alone', async () => {
    await insertCampaign(db, id, 2);
    await insertCampaign(db, 'winter-1a2b', 3);
    await insertOutcomes(db, 'winter-1a2b', 1, sent(1, 3));
    expect(await auditedTotals(db, id)).toMatchObject({ queued: 2, sent: 0, remaining: 2 });
  });
});

describe("the servers' shares", () => {
  it('follow the batches while it sends, with the Sleep that is set now', async () => {
    await insertCampaign(db, id, 100);
    await insertOutcomes(db, id, 1, sent(1, 20, 'mta-2'));
    await insertOutcomes(db, id, 2, sent(21, 60, 'mta-1'));
    await insertOutcomes(db, id, 3, sent(61, 80, 'mta-1'));
    await db
      .insert(server)
      .values({ name: 'mta-1', role: 'dedicated-dispatch', host: 'a', pid: 1, sleepMs: 50 });
    expect(await serverShares(db, id)).toEqual([
      { name: 'mta-1', sent: 60, sleepMs: 50 },
      { name: 'mta-2', sent: 20, sleepMs: null },
    ]);
  });

  it('name the true sender of each message once it has ended, also of a batch that changed hands', async () => {
    await insertCampaign(db, id, 10);
    await insertOutcomes(db, id, 1, [...sent(1, 4, 'mta-2'), ...sent(5, 10, 'mta-1')]);
    await db.update(campaign).set({ state: 'Sent' }).where(eq(campaign.id, id));
    expect(await serverShares(db, id)).toEqual([
      { name: 'mta-1', sent: 6, sleepMs: null },
      { name: 'mta-2', sent: 4, sleepMs: null },
    ]);
  });
});
