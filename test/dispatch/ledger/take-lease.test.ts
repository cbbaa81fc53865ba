import { describe, expect, it } from 'vitest';
import { takeLease, untilHandedBack } from '../../../src/dispatch/ledger/take-lease.ts';
import { insertCampaign } from '../../contacts/fixtures.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { waitingForLocks } from '../../support/waiting-for-locks.ts';

const database = useTestDatabase();

/** Batch 1 has ended; batch 2, of somebody else, reaches into its range. */
async function overlapping(): Promise<string> {
  const campaignId = await insertCampaign(database.db, {});
  await database.db.$client.query(
    `insert into dispatch_batch (campaign_id, batch, first, last, lease, server, ended_at)
     values ($1, 1, 1, 10, 1, 'a', now()), ($1, 2, 5, 15, 1, 'b', null)`,
    [campaignId],
  );
  return campaignId;
}

const waiting = async () => (await waitingForLocks(database.db)) > 0;

describe('taking a batch', () => {
  it('locks it and those that reach into it in the order of flushes, so that none waits for the other', async () => {
    const campaignId = await overlapping();
    const flush = await database.db.$client.connect();
    let taking: Promise<unknown> | undefined;
    try {
      await flush.query('begin');
      await flush.query('select from dispatch_batch where campaign_id = $1 and batch = 1 for update', [
        campaignId,
      ]);
      const range = { first: 1, last: 10 };
      taking = takeLease(database.db, { campaignId, batch: 1, range, server: 'c', attempt: 2 });
      taking.catch(() => undefined);
      await waitFor(waiting, { describe: 'the batch to be waited for' });
      // Whoever takes it does not hold the other one yet: the flush gets it.
      await flush.query('select from dispatch_batch where campaign_id = $1 and batch = 2 for update nowait', [
        campaignId,
      ]);
    } finally {
      await flush.query('rollback');
      flush.release();
    }
    expect(await taking).toMatchObject({ word: 'go' });
  });

  it('asks whoever holds a batch that reaches into it to hand it back', async () => {
    const campaignId = await overlapping();
    const taken = { campaignId, batch: 1, range: { first: 1, last: 10 }, attempt: 2 };
    expect(await untilHandedBack(database.db, taken)).toBe(true);
    const { rows } = await database.db.$client.query(
      'select batch, wanted from dispatch_batch where campaign_id = $1 order by batch',
      [campaignId],
    );
    expect(rows).toEqual([
      { batch: 1, wanted: false },
      { batch: 2, wanted: true },
    ]);
  });
});
