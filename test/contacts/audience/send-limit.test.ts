import { eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { audienceOf } from '../../../src/contacts/audience/audience.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import type { SendLimits } from '../../../src/contacts/audience/send-limit.ts';
import { campaign, dispatchExclusion, dispatchQueue } from '../../../src/db/schema.ts';
import type { OutcomeKind } from '../../../src/domain/outcome.ts';
import { answerInWords } from '../../../src/reporting/recipient/answer.ts';
import { recipientReport } from '../../../src/reporting/recipient/read-report.ts';
import { useTestDatabase } from '../../support/database.ts';
import {
  audienceSettings,
  exclusionsAtSending,
  insertCampaign,
  insertContacts,
  insertList,
  insertOutcome,
  quietZone,
} from '../fixtures.ts';

const database = useTestDatabase();
let number = 0;

const rules = audienceSettings;
const limited = (limits: Omit<SendLimits, 'timeZone'>, timeZone = quietZone) => ({
  ...rules,
  sendLimits: { ...limits, timeZone },
});

async function person(): Promise<{ contactId: number; email: string; list: number }> {
  const email = `p${number++}@example.com`;
  const [contactId = 0] = await insertContacts(database.db, [{ email }]);
  return { contactId, email, list: (await insertList(database.db, [contactId])).id };
}

/** Queues a campaign to the list. */
async function queue(list: number, settings: ReturnType<typeof limited> | typeof rules = rules) {
  const id = await insertCampaign(database.db, { include: [list] });
  await database.db
    .update(campaign)
    .set({ state: 'Sending', definition: { pool: 'none' } })
    .where(eq(campaign.id, id));
  const counts = await queueMessage(database.db, id, settings);
  return { id, ...counts };
}

const atSending = async (id: string, settings: ReturnType<typeof limited> | typeof rules) =>
  await exclusionsAtSending(database.db, id, settings);

const atLimit = { queued: 0, excluded: { 'send-limit': 1 } };
const free = { queued: 1, excluded: {} };

describe('a send limit', () => {
  it.each(['day', 'week', 'month'] as const)(
    'counts what was sent since the %s began, and nothing before',
    async (period) => {
      const zone = sql.raw(`'${quietZone}'`);
      const begin = sql`date_trunc(${sql.raw(`'${period}'`)}, now() at time zone ${zone}) at time zone ${zone}`;
      const [since, before] = [await person(), await person()];
      await insertOutcome(database.db, since.contactId, 'sent', begin);
      await insertOutcome(database.db, before.contactId, 'sent', sql`${begin} - interval '1 ms'`);
      expect(await queue(since.list, limited({ [period]: 1 }))).toMatchObject(atLimit);
      expect(await queue(before.list, limited({ [period]: 1 }))).toMatchObject(free);
      expect(await queue(since.list, limited({ [period]: 2 }))).toMatchObject(free);
    },
  );

  it('begins its day at midnight of its time zone', async () => {
    // Of the two the one where it is not about midnight.
    const hour = new Date().getUTCHours();
    const [zone, offset] = hour >= 9 && hour <= 11 ? ['Pacific/Pago_Pago', -11] : ['Pacific/Kiritimati', 14];
    const [dayMs, offsetMs] = [86_400_000, offset * 3_600_000];
    const midnight = new Date(Math.floor((Date.now() + offsetMs) / dayMs) * dayMs - offsetMs).toISOString();
    const [since, before] = [await person(), await person()];
    await insertOutcome(database.db, since.contactId, 'sent', sql`${midnight}::timestamptz`);
    await insertOutcome(
      database.db,
      before.contactId,
      'sent',
      sql`${midnight}::timestamptz - interval '1 s'`,
    );
    expect(await queue(since.list, limited({ day: 1 }, zone))).toMatchObject(atLimit);
    expect(await queue(before.list, limited({ day: 1 }, zone))).toMatchObject(free);
  });

  it('that is left out limits nothing, 0 lets nothing through, and the strictest of them counts', async () => {
    const { contactId, list } = await person();
    expect(await queue(list, limited({ month: 0 }))).toMatchObject(atLimit);
    expect(await queue(list, limited({ day: 0, week: 5 }))).toMatchObject(atLimit);
    for (const kind of ['sent', 'sent'] as const) await insertOutcome(database.db, contactId, kind);
    expect(await queue(list, limited({}))).toMatchObject(free);
    // That one is queued by now, and counts as the third.
    expect(await queue(list, limited({ day: 4, week: 3, month: 9 }))).toMatchObject(atLimit);
    expect(await queue(list, limited({ day: 4, week: 4 }))).toMatchObject(free);
  });

  it.each([
    ['sent', atLimit],
    ['in_doubt', atLimit],
    ['failed', free],
    ['skipped', free],
    ['cancelled', free],
  ] as [OutcomeKind, typeof atLimit][])('counts a message that is %s: %j', async (kind, expected) => {
    const { contactId, list } = await person();
    await insertOutcome(database.db, contactId, kind);
    const id = await insertCampaign(database.db, { include: [list] });
    expect(await audienceOf(database.db, id, limited({ day: 1 }))).toEqual(expected);
    expect(await queueMessage(database.db, id, limited({ day: 1 }))).toEqual(expected);
    const booked = await database.db
      .select()
      .from(dispatchExclusion)
      .where(eq(dispatchExclusion.campaignId, id));
    expect(booked.map((row) => row.reason)).toEqual(expected === free ? [] : ['send-limit']);
  });

  it('counts whoever is queued by a campaign that runs, and nobody of one that has ended', async () => {
    const [waiting, ended] = [await person(), await person()];
    await insertOutcome(database.db, waiting.contactId, null);
    await insertOutcome(database.db, ended.contactId, null, sql`now()`, 'Inactive');
    expect(await queue(waiting.list, limited({ day: 1 }))).toMatchObject(atLimit);
    expect(await queue(ended.list, limited({ day: 1 }))).toMatchObject(free);
  });

  it('is not passed by campaigns that are queued at the same time', async () => {
    const people = await insertContacts(
      database.db,
      Array.from({ length: 200 }, () => ({ email: `p${number++}@example.com` })),
    );
    const list = await insertList(database.db, people);
    const queued = await Promise.all(Array.from({ length: 6 }, () => queue(list.id, limited({ week: 2 }))));
    expect(queued.map((one) => one.queued).sort((a, b) => b - a)).toEqual([200, 200, 0, 0, 0, 0]);
  });

  it('is looked at again at sending, and of two campaigns that both wait the first is sent', async () => {
    const { contactId, list, email } = await person();
    const [one, two] = [await queue(list), await queue(list)];
    const day = limited({ day: 1 });
    expect(await atSending(one.id, rules)).toEqual([null]);
    expect(await atSending(two.id, rules)).toEqual([null]);
    expect(await atSending(one.id, day)).toEqual([null]);
    expect(await atSending(two.id, day)).toEqual(['send-limit']);
    const why = async (id: string) =>
      answerInWords(await recipientReport(database.db, id, email, day)).join(' ');
    expect(await why(one.id)).not.toContain('send limits');
    expect(await why(two.id)).toContain('it has got as many messages as the send limits allow (1 a day)');
    await insertOutcome(database.db, contactId, 'in_doubt');
    expect(await atSending(one.id, day)).toEqual(['send-limit']);
    expect(await atSending(one.id, limited({ day: 2 }))).toEqual([null]);
    expect(await atSending(one.id, limited({ day: 0 }))).toEqual(['send-limit']);
    const queue1 = await database.db.select().from(dispatchQueue).where(eq(dispatchQueue.campaignId, one.id));
    expect(queue1).toHaveLength(1);
  });

  it('is the last reason: what was said by the person is booked before it', async () => {
    const { contactId, list } = await person();
    await insertOutcome(database.db, contactId, 'sent');
    const { id } = await queue(list);
    await database.db.execute(sql`
      insert into list_opt_out (list_id, email_key, reason)
      select ${list}, email_key, 'test' from contact where id = ${contactId}`);
    expect(await atSending(id, limited({ day: 1 }))).toEqual(['list-opt-out']);
    expect(await queue(list, limited({ day: 1 }))).toMatchObject({ excluded: { 'list-opt-out': 1 } });
  });
});
