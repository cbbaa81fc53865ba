import { sql } from 'drizzle-orm';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { auditedBooks, differenceInWords } from '../../src/reporting/books.ts';
import { createTestDatabase } from '../support/database.ts';
import { insertCampaign, insertOutcomes, range } from './sample-campaign.ts';

const database = await createTestDatabase();
const { db } = database;
afterAll(() => database.drop());
beforeEach(async () => {
  await db.execute(sql`truncate campaign, dispatch_queue, dispatch_outcome cascade`);
});

const id = 'autumn-7k3f';

/** A campaign that balances: ten queued, each with an outcome; and another one that must not be counted with it. */
async function balanced(): Promise<void> {
  for (const campaignId of [id, 'winter-0000']) {
    await insertCampaign(db, campaignId, 10);
    await insertOutcomes(db, campaignId, 1, [
      ...range(1, 8).map((position) => ({ position, kind: 'sent' as const })),
      { position: 9, kind: 'in_doubt' },
      { position: 10, kind: 'failed' },
    ]);
  }
}

const words = async () => (await auditedBooks(db, id)).differences.map(differenceInWords);

describe('the books of a campaign', () => {
  it('have no difference where each queued recipient has an outcome, or nobody was queued', async () => {
    await balanced();
    expect(await auditedBooks(db, id)).toEqual({
      totals: { queued: 10, sent: 8, failed: 1, skipped: 0, cancelled: 0, inDoubt: 1, remaining: 0 },
      differences: [],
    });
    await insertCampaign(db, 'empty-0000', 0);
    await insertCampaign(db, 'draft-0000', 0, { state: 'Draft', queued: null });
    for (const empty of ['empty-0000', 'draft-0000'])
      expect((await auditedBooks(db, empty)).differences).toEqual([]);
    await expect(auditedBooks(db, 'nobody-0000')).rejects.toMatchObject({ code: 'CAMPAIGN_UNKNOWN' });
  });

  it.each([
    [
      'delete from dispatch_outcome where position in (5, 7, 9)',
      ['3 recipients have no outcome (positions 5, 7 and 9)'],
    ],
    ['delete from dispatch_outcome where position = 5', ['1 recipient has no outcome (position 5)']],
    [
      'delete from dispatch_outcome where position > 1',
      ['9 recipients have no outcome (positions 2, 3, 4, 5, 6 and 4 more)'],
    ],
    [
      'delete from dispatch_queue where position = 7',
      [
        '1 outcome is of a position that is not queued (position 7)',
        '1 row of the queue is missing (position 7)',
      ],
    ],
    [
      'with q as (delete from dispatch_queue where position in (7, 8) returning position) delete from dispatch_outcome o using q where q.position = o.position',
      ['2 rows of the queue are missing (positions 7 and 8)'],
    ],
    [
      `insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at) values ('${id}', 11, 1, 1, '', 'sent', now())`,
      ['1 outcome is of a position that is not queued (position 11)'],
    ],
    ['update campaign set queued = 12', ['2 rows of the queue are missing (positions 11 and 12)']],
    ['update campaign set queued = 9', ['1 row of the queue was not written by QueueMessage (position 10)']],
    [
      'with q as (update dispatch_queue set position = 12 where position = 3) update dispatch_outcome set position = 12 where position = 3',
      [
        '1 row of the queue is missing (position 3)',
        '1 row of the queue was not written by QueueMessage (position 12)',
      ],
    ],
    [
      'update dispatch_outcome set contact_id = 99 where position in (2, 4)',
      ['2 outcomes name other contacts than the queue (positions 2 and 4)'],
    ],
    [
      'update dispatch_outcome o set contact_id = p.contact_id from dispatch_outcome p where o.campaign_id = p.campaign_id and o.position in (2, 4) and p.position = 6 - o.position',
      ['2 outcomes name other contacts than the queue (positions 2 and 4)'],
    ],
    [
      'update dispatch_outcome set position = 0 where position = 5',
      [
        '1 recipient has no outcome (position 5)',
        '1 outcome is of a position that is not queued (position 0)',
      ],
    ],
  ])('name what was done by: %s', async (statement, expected) => {
    await balanced();
    const both = sql.raw(statement);
    await db.execute(both);
    await db.execute(sql`delete from campaign where id = 'winter-0000'`);
    expect(await words()).toEqual(expected);
  });
});
