import { eq, sql } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { campaignStatus } from '../../src/campaigns/campaign-status.ts';
import { server } from '../../src/db/schema.ts';
import { insertCampaign, insertOutcomes, range } from '../reporting/sample-campaign.ts';
import { createTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

const database = await createTestDatabase();
const { db } = database;
afterAll(() => database.drop());

const sent = (first: number, last: number) =>
  range(first, last).map((position) => ({ position, kind: 'sent' as const }));

describe('the status of a campaign', () => {
  it('is that of one moment, however much is recorded while it is read', async () => {
    const id = 'autumn-7k3f';
    await insertCampaign(db, id, 100, { definition: { pool: 'default' } });
    await insertOutcomes(db, id, 1, sent(1, 10));
    const lock = await db.$client.connect();
    try {
      // Holds up the part of the status that looks at the servers, until more has been recorded.
      await lock.query('begin; lock table server in access exclusive mode');
      const reading = campaignStatus(db, id);
      await waitFor(
        async () =>
          (
            await db.execute(
              sql`select from pg_locks where relation = 'server'::regclass and not granted and database =
                  (select oid from pg_database where datname = current_database())`,
            )
          ).rows.length > 0,
        { describe: 'the status to wait for the servers' },
      );
      await insertOutcomes(db, id, 2, [...sent(11, 40), { position: 41, kind: 'failed', reason: 'refused' }]);
      await lock.query('commit');
      const { totals, servers, failedByReason } = await reading;
      expect(totals).toMatchObject({ queued: 100, sent: 10, failed: 0, remaining: 90 });
      expect(servers).toEqual([{ name: 'mta-1', sent: 10, sleepMs: null }]);
      expect(failedByReason).toEqual({});
    } finally {
      lock.release();
    }
  });

  it('says that nobody can send where every dispatcher of the pool is without its mail server', async () => {
    const id = 'winter-7k3f';
    await insertCampaign(db, id, 100, { definition: { pool: 'winter' } });
    const health = 'The mail server gives no connection: refused';
    await db.insert(server).values(
      ['w1', 'w2'].map((name) => ({
        ...{ name, role: 'dedicated-dispatch', host: 'h', pid: 1, pool: 'winter' },
        ...{ threads: 2, sleepMs: 0, health },
      })),
    );
    expect((await campaignStatus(db, id)).reason).toBe(
      `no dispatcher of the pool "winter" can send at the moment. w1: ${health}; w2: ${health}`,
    );
    await db.update(server).set({ health: 'ok' }).where(eq(server.name, 'w2'));
    expect((await campaignStatus(db, id)).reason).toBeNull();
  });
});
