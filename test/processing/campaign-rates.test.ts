import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { campaign, campaignAudit, dispatchBatch, eventInbox } from '../../src/db/schema.ts';
import { countsSince, whyPauseItself } from '../../src/processing/campaign-rates.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { tellCrossings } from '../../src/processing/tell-crossings.ts';
import { useTestDatabase } from '../support/database.ts';

const limits = { pauseAtBouncePercent: 10, pauseAtComplaintPercent: 0.3 };

describe('the rates of a campaign', () => {
  it.each([
    ['few were sent to', { sent: 199, bounces: 199, complaints: 4 }],
    ['both are below the limit', { sent: 1_000, bounces: 99, complaints: 2 }],
    ['few complained', { sent: 200, bounces: 0, complaints: 4 }],
    ['nothing came', { sent: 0, bounces: 0, complaints: 0 }],
  ])('let it go on where %s', (_, counts) => {
    expect(whyPauseItself(counts, limits)).toBeUndefined();
  });

  it('hold it at the limit, and say so in numbers', () => {
    expect(whyPauseItself({ sent: 200, bounces: 20, complaints: 0 }, limits)).toBe(
      '20 of 200 people have bounced, 10.0 %: the limit is 10 % (pauseAtBouncePercent)',
    );
    expect(whyPauseItself({ sent: 1_999, bounces: 0, complaints: 6 }, limits)).toBe(
      '6 of 1999 people have complained, 0.30 %: the limit is 0.3 % (pauseAtComplaintPercent)',
    );
    expect(whyPauseItself({ sent: 400, bounces: 400, complaints: 9 }, limits)).toMatch(/complained.*bounced/);
  });

  it('never hold it where the limit is 0', () => {
    const never = { pauseAtBouncePercent: 0, pauseAtComplaintPercent: 0 };
    expect(whyPauseItself({ sent: 400, bounces: 400, complaints: 400 }, never)).toBeUndefined();
  });

  it('count from where a person let it go on', () => {
    const base = { sent: 300, bounces: 40, complaints: 6 };
    expect(countsSince({ sent: 600, bounces: 50, complaints: 6 }, base)).toEqual({
      sent: 300,
      bounces: 10,
      complaints: 0,
    });
  });
});

describe('a campaign whose rates pass a limit', () => {
  const database = useTestDatabase();
  const id = 'autumn-7k3f';
  let told: string[] = [];
  let position = 0;
  let isAway = false;

  beforeEach(async () => {
    const { db } = database;
    await db.execute(sql`truncate campaign, event_inbox, interaction restart identity cascade`);
    const sending = { state: 'Sending' as const, subState: 'Sending' as const };
    await db.insert(campaign).values({ id, name: 'Autumn', definition: {}, ...sending });
    await db
      .insert(dispatchBatch)
      .values({ campaignId: id, batch: 1, first: 1, last: 10_000, server: 's', sent: 300, failed: 100 });
    told = [];
    position = 0;
    isAway = false;
  });

  const came = async (count: number, type = 'Bounce') => {
    const detail = {
      ...(type === 'Bounce' ? { class: 'policy' as const } : {}),
      status: '',
      text: '',
      by: 'notification' as const,
    };
    const rows = Array.from({ length: count }, () => {
      position++;
      return { type, campaignId: id, position, contactId: position, detail };
    });
    await database.db.insert(eventInbox).values(rows);
    while ((await processEvents(database.db, 7)).processed > 0);
  };
  const tell = async () =>
    await tellCrossings(database.db, async (campaignId, reason) => {
      if (isAway) throw new Error('Temporal is away');
      told.push(`${campaignId}: ${reason}`);
      return true;
    });
  const words = async (subState: 'Paused' | 'Sending', why?: string) => {
    await database.db.update(campaign).set({ subState });
    if (why !== undefined) {
      const entry = { campaignId: id, actor: 'exm', what: 'word', to: 'pause', why };
      await database.db.insert(campaignAudit).values(entry);
    }
  };
  const base = async () => (await database.db.select().from(campaign))[0]?.rateBase;

  it('is told to pause once, however many count at the same time', async () => {
    await came(39);
    await tell();
    expect(told).toEqual([]);
    await came(30);
    await Promise.all([tell(), tell(), tell()]);
    await tell();
    expect(told).toEqual([expect.stringMatching(/^autumn-7k3f: 4\d of 400 people have bounced, 1\d\.\d %/)]);
    expect(await base()).toEqual({ sent: 400, bounces: 69, complaints: 0 });
  });

  it('is told later where Temporal is away, and not at all what it has done already', async () => {
    await came(40);
    isAway = true;
    await expect(tell()).rejects.toThrow('away');
    isAway = false;
    await tell();
    expect(told).toHaveLength(1);
    // Killed between the signal and its own note of it.
    await database.db.execute(sql`
      update campaign set rate_base = rate_base || jsonb_build_object('pausing', jsonb_build_object(
        'reason', 'seen', 'at', (now() - interval '1 s')::text))`);
    await words('Sending', 'seen');
    await tell();
    expect(told).toHaveLength(1);
    expect(await base()).not.toHaveProperty('pausing');
  });

  it('is not told where somebody paused it and let it go on before it could be told', async () => {
    await came(40);
    isAway = true;
    await expect(tell()).rejects.toThrow('away');
    isAway = false;
    const entry = { campaignId: id, actor: 'ann', what: 'dispatch' };
    await database.db.insert(campaignAudit).values([
      { ...entry, from: 'go', to: 'pause' },
      { ...entry, from: 'pause', to: 'go' },
    ]);
    await tell();
    expect(told).toEqual([]);
    await database.db.update(dispatchBatch).set({ sent: 500 });
    await came(20);
    await tell();
    expect(told).toEqual([expect.stringContaining('20 of 200 people have bounced')]);
  });

  it('is told though another one cannot be told', async () => {
    await database.db.execute(sql`
      insert into campaign (id, name, definition, state, sub_state, rate_base)
      select id, id, '{}', 'Sending', 'Sending', jsonb_build_object('pausing', jsonb_build_object('reason', id, 'at', now()))
        from unnest(array['a', 'b', 'c']) as id`);
    const pause = async (campaignId: string) => {
      if (campaignId !== 'b') throw new Error(`not ${campaignId}`);
      told.push(campaignId);
      return true;
    };
    await expect(tellCrossings(database.db, pause)).rejects.toThrow('not ');
    expect(told).toEqual(['b']);
  });

  it('counts only what came since a person let it go on, also of what came meanwhile', async () => {
    await came(40);
    await tell();
    await words('Paused');
    await came(60);
    await words('Sending');
    await database.db.update(dispatchBatch).set({ sent: 500 });
    await came(19);
    await tell();
    expect(told).toHaveLength(1);
    await came(1);
    await tell();
    expect(told[1]).toContain('20 of 200 people have bounced');
  });

  it('is told by complaints, too, and not where it is over', async () => {
    await came(5, 'SpamComplaint');
    await tell();
    expect(told).toEqual([expect.stringContaining('5 of 400 people have complained, 1.3 %')]);
    await database.db.update(campaign).set({ state: 'Sent', subState: 'Finishing', rateBase: null });
    await came(100);
    await tell();
    expect(told).toHaveLength(1);
    expect(await base()).toBeNull();
  });
});
