import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { campaignAudit, dispatchBatch, server } from '../../src/db/schema.ts';
import { type LiveDispatcher, liveDispatchers } from '../../src/dispatch/dispatchers.ts';
import { recentPace } from '../../src/dispatch/recent-pace.ts';
import { insertCampaign } from '../contacts/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const database = useTestDatabase();
let campaignId = '';
let batches = 0;
beforeEach(async () => {
  await database.db.delete(server);
  campaignId = await insertCampaign(database.db, {});
  await database.db.insert(campaignAudit).values({ campaignId, actor: 'ada', what: 'state', to: 'Sending' });
});

async function dispatcher(name: string, sleepMs = 0): Promise<void> {
  const started = sql`now() - interval '1 hour'`;
  const row = {
    name,
    role: 'dedicated-dispatch',
    host: 'one',
    pid: 1,
    pool: 'default',
    threads: 10,
    sleepMs,
  };
  await database.db.insert(server).values({ ...row, startedAt: started });
}

/** A batch that ended so many minutes ago and took ten seconds. */
async function sent(name: string, recipients: number, minutesAgo = 1, more = {}): Promise<void> {
  const endedAt = sql`now() - ${minutesAgo} * interval '1 minute'`;
  await database.db.insert(dispatchBatch).values({
    campaignId,
    batch: ++batches,
    first: 1,
    last: recipients,
    server: name,
    sent: recipients,
    lease: 1,
    leasedAt: sql`${endedAt} - interval '10 seconds'`,
    endedAt,
    ...more,
  });
}

const pace = async (dispatchers?: readonly LiveDispatcher[]) =>
  await recentPace(database.db, dispatchers ?? (await liveDispatchers(database.db, 'default')));

describe('how fast dispatchers are expected to be', () => {
  it('is the pace of the slowest of them in its last batches', async () => {
    await dispatcher('fast');
    await dispatcher('slow');
    await sent('fast', 20_000);
    for (const recipients of [4_000, 6_000]) await sent('slow', recipients);
    expect(await pace()).toBeCloseTo(500);
  });

  it('is not known while one of them has sent nothing to speak of since it was started', async () => {
    expect(await pace([])).toBeUndefined();
    await dispatcher('old');
    await dispatcher('new');
    await sent('old', 20_000);
    await sent('new', 20_000, 90);
    await sent('new', 50);
    expect(await pace()).toBeUndefined();
  });

  it('is what the Sleep of a dispatcher allows by now', async () => {
    await dispatcher('sleepy', 50);
    await sent('sleepy', 20_000);
    expect(await pace()).toBeCloseTo(200);
  });

  it('is not what a rehearsal without a mail server went', async () => {
    await dispatcher('one');
    await sent('one', 500);
    const rehearsal = await insertCampaign(database.db, {});
    const emulation = { minimumMs: 0, maximumMs: 0, failureProbability: 0 };
    await database.db.execute(sql`
      update campaign set definition = definition || ${JSON.stringify({ emulation })}::jsonb where id = ${rehearsal}`);
    await database.db
      .insert(campaignAudit)
      .values({ campaignId: rehearsal, actor: 'ada', what: 'state', to: 'Sending' });
    for (let count = 0; count < 8; count++) await sent('one', 5_000, 0.5, { campaignId: rehearsal });
    expect(await pace()).toBeCloseTo(50);
  });

  it('is not what several attempts at a batch have sent in the time of the last', async () => {
    await dispatcher('one');
    await sent('one', 500);
    await sent('one', 5_000, 0.5, { lease: 2 });
    expect(await pace()).toBeCloseTo(50);
  });
});
