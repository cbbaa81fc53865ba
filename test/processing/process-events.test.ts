import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { campaign, campaignStatistic, contact, eventInbox, interaction } from '../../src/db/schema.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { createTestDatabase } from '../support/database.ts';

const database = await createTestDatabase();
const { db } = database;
afterAll(() => database.drop());

const browser =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36';
const proxy = 'Mozilla/5.0 (via ggpht.com GoogleImageProxy)';
const start = Date.UTC(2026, 8, 1, 8);
const campaignId = 'autumn-7k3f';

type NewEvent = typeof eventInbox.$inferInsert;
const open = (position: number, seconds: number, change: Partial<NewEvent> = {}): NewEvent => ({
  type: 'EmailOpened',
  campaignId,
  position,
  contactId: position,
  userAgent: browser,
  at: new Date(start + seconds * 1000),
  ...change,
});

beforeEach(async () => {
  await db.execute(sql`truncate campaign, event_inbox, interaction, contact restart identity cascade`);
  await db.insert(campaign).values({ id: campaignId, name: 'Autumn', definition: {} });
});

async function drain(limit = 1_000): Promise<number> {
  let sum = 0;
  for (;;) {
    const { processed } = await processEvents(db, limit);
    if (processed === 0) return sum;
    sum += processed;
  }
}

async function statistics() {
  const rows = await db
    .select()
    .from(campaignStatistic)
    .orderBy(campaignStatistic.type, campaignStatistic.agent);
  return rows.map(({ type, agent, total, unique }) => ({ type, agent, total, unique }));
}

describe('processing the inbox', () => {
  it('does nothing where it is empty', async () => {
    expect(await processEvents(db, 100)).toEqual({ processed: 0 });
  });

  it('turns events into interactions and aggregates, and removes them', async () => {
    await db
      .insert(eventInbox)
      .values([
        open(1, 0),
        open(1, 20, { type: 'EmailClicked', link: 3 }),
        open(2, 5, { userAgent: proxy }),
        open(2, 60),
      ]);
    expect(await drain()).toBe(4);
    expect(await db.$count(eventInbox)).toBe(0);
    expect(await statistics()).toEqual([
      { type: 'EmailClicked', agent: 'person', total: 1, unique: 1 },
      { type: 'EmailOpened', agent: 'image-proxy', total: 1, unique: 1 },
      { type: 'EmailOpened', agent: 'person', total: 2, unique: 2 },
    ]);
    const [clicked] = await db.select().from(interaction).where(eq(interaction.type, 'EmailClicked'));
    expect(clicked).toMatchObject({
      campaignId,
      position: 1,
      contactId: 1,
      link: 3,
      agent: 'person',
      repeats: 0,
      at: new Date(start + 20_000),
    });
  });

  it('counts repeats within 300 seconds once, also when they come in different batches', async () => {
    await db.insert(eventInbox).values([open(1, 0), open(1, 10)]);
    await drain();
    await db.insert(eventInbox).values([open(1, 299), open(1, 301)]);
    await drain();
    const rows = await db.select().from(interaction).orderBy(interaction.at);
    expect(rows.map((row) => [(row.at.getTime() - start) / 1000, row.repeats])).toEqual([
      [0, 2],
      [301, 0],
    ]);
    expect(await statistics()).toEqual([{ type: 'EmailOpened', agent: 'person', total: 2, unique: 1 }]);
  });

  it('takes events in batches of the size asked for at most', async () => {
    await db.insert(eventInbox).values(Array.from({ length: 250 }, (_, i) => open(i + 1, i)));
    const sizes: number[] = [];
    for (;;) {
      const { processed } = await processEvents(db, 100);
      if (processed === 0) break;
      sizes.push(processed);
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
    expect(sizes.reduce((a, b) => a + b)).toBe(250);
  });

  it("lets a person's click, and nothing else, forget the bounces of the address", async () => {
    await db
      .insert(contact)
      .values(
        [1, 2, 3].map((n) => ({ email: `${n}@example.com`, emailKey: `${n}@example.com`, bounceCount: 2 })),
      );
    await db
      .insert(eventInbox)
      .values([
        open(1, 0, { type: 'EmailClicked', link: 0 }),
        open(2, 0),
        open(3, 0, { type: 'EmailClicked', link: 0, userAgent: 'Barracuda' }),
      ]);
    await drain();
    const rows = await db.select().from(contact).orderBy(contact.id);
    expect(rows.map((row) => row.bounceCount)).toEqual([0, 2, 2]);
  });

  it('keeps the interactions of a campaign that is not there any more', async () => {
    await db.insert(eventInbox).values([open(1, 0, { campaignId: 'gone-1111' }), open(2, 0)]);
    expect(await drain()).toBe(2);
    expect(await db.$count(interaction)).toBe(2);
    expect(await statistics()).toEqual([{ type: 'EmailOpened', agent: 'person', total: 1, unique: 1 }]);
  });
});

describe('several processors at once', () => {
  it('lose nothing, count nothing twice, and fold repeats that they found at the same time', async () => {
    // 200 recipients, each opening 12 times: 6 within the first window, 6 within a second one.
    const recipients = 200;
    const seconds = [0, 50, 100, 150, 200, 250, 1_000, 1_050, 1_100, 1_150, 1_200, 1_250];
    const events = seconds.flatMap((at) => Array.from({ length: recipients }, (_, i) => open(i + 1, at)));
    for (let i = 0; i < events.length; i += 600) await db.insert(eventInbox).values(events.slice(i, i + 600));

    let taken = 0;
    const processor = async () => {
      while ((await db.$count(eventInbox)) > 0) {
        const { processed } = await processEvents(db, 70);
        taken += processed;
      }
    };
    await Promise.all([processor(), processor(), processor(), processor()]);

    expect(taken).toBe(events.length);
    expect(await statistics()).toEqual([
      { type: 'EmailOpened', agent: 'person', total: 2 * recipients, unique: recipients },
    ]);
    const rows = await db.select().from(interaction);
    expect(rows).toHaveLength(2 * recipients);
    expect(rows.every((row) => row.repeats === 5)).toBe(true);
  });

  it('work on different contacts at the same time, and leave alone what another has in hand', async () => {
    await db.insert(eventInbox).values(Array.from({ length: 64 }, (_, i) => open(i + 1, 0)));
    await db.transaction(async (tx) => {
      // Another processor that holds the contacts of the even buckets.
      await tx.execute(
        sql`select pg_advisory_xact_lock(${0x65786d01}, bucket) from generate_series(0, 31, 2) bucket`,
      );
      expect(await drain()).toBe(32);
      expect(await processEvents(db, 100)).toEqual({ processed: 0 });
    });
    expect(await drain()).toBe(32);
  });
});

describe('a processor that dies', () => {
  it('leaves every event in the inbox, uncounted, for the next one', async () => {
    await db
      .insert(eventInbox)
      .values([open(1, 0), open(2, 0), open(3, 0, { type: 'EmailClicked', link: 0 })]);
    // It hangs in its last statement, the statistics, and is cut off there.
    const dying = await db.$client.connect();
    dying.on('error', () => undefined);
    await dying.query('begin; lock table campaign_statistic in access exclusive mode');
    const processing = processEvents(db, 100);
    const cut = async () => {
      for (;;) {
        const { rows } = await db.$client.query<{ pid: number }>(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%campaign_statistic%'`,
        );
        if (rows.length > 0) return;
      }
    };
    const [outcome] = await Promise.all([
      processing.then(
        () => 'done',
        () => 'cut',
      ),
      cut(),
    ]);
    await dying.query('rollback');
    dying.release();

    expect(outcome).toBe('cut');
    expect(await db.$count(eventInbox)).toBe(3);
    expect(await db.$count(interaction)).toBe(0);
    expect(await drain()).toBe(3);
    expect(await statistics()).toEqual([
      { type: 'EmailClicked', agent: 'person', total: 1, unique: 1 },
      { type: 'EmailOpened', agent: 'person', total: 2, unique: 2 },
    ]);
  });
});
