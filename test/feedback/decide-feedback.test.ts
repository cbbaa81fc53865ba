import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { contact, dispatchOutcome, eventInbox, feedback } from '../../src/db/schema.ts';
import {
  applyDecision,
  dismissFeedback,
  findFeedback,
  retryFeedback,
} from '../../src/feedback/decide-feedback.ts';
import { countUnclear, listFeedback } from '../../src/feedback/list-feedback.ts';
import { processFeedback } from '../../src/feedback/process-feedback.ts';
import { storeFeedback } from '../../src/feedback/receiving/store-feedback.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { useTestDatabase } from '../support/database.ts';
import { bounceMessage, judging, queuedFor } from './fixtures.ts';

const database = useTestDatabase();

beforeEach(async () => {
  await database.db.execute(sql`truncate feedback, event_inbox, suppression restart identity`);
});

/** An unclear message. @returns its number */
async function unclear(text = 'hello'): Promise<number> {
  const raw = Buffer.from(`Subject: ${text}\r\n\r\nWe cannot say what this is.\r\n`);
  const envelopeFrom = 'ann@example.org';
  await storeFeedback(database.db, { source: 'smtp', envelopeFrom, envelopeTo: '', raw });
  await processFeedback(database.db, 100, judging);
  const { rows } = await listFeedback(database.db, { unclear: true, limit: 1 });
  return rows[0]?.id ?? 0;
}

describe('what a person decides', () => {
  it('has the same consequences as what is understood, once', async () => {
    const { db } = database;
    const { id: campaignId, of } = await queuedFor(db, 2);
    const { position, contactId, email } = of(1);
    await db
      .insert(dispatchOutcome)
      .values({ campaignId, position, contactId, batch: 1, server: 's', kind: 'sent', at: new Date(1_000) });
    const id = await unclear();
    const decision = { as: 'hard' as const, email: email.toUpperCase(), by: 'ann@desk' };
    expect(await applyDecision(db, id, decision)).toEqual({ id, as: 'hard', campaignId, position });
    await expect(applyDecision(db, id, decision)).rejects.toMatchObject({ code: 'FEEDBACK_DECIDED' });
    expect(await db.$count(eventInbox)).toBe(1);
    while ((await processEvents(db, 10)).processed > 0);
    const [person] = await db.select().from(contact).where(eq(contact.id, contactId));
    expect(person?.bounceCount).toBe(6);
    expect(await findFeedback(db, id)).toMatchObject({ state: 'understood', raw: null, envelopeFrom: '' });
  });

  it('is refused where it cannot be meant', async () => {
    const { db } = database;
    const { of } = await queuedFor(db, 1);
    const id = await unclear();
    const as = { as: 'soft' as const, by: 'ann' };
    await expect(applyDecision(db, id, { ...as, email: 'ann' })).rejects.toMatchObject({
      code: 'ADDRESS_WRONG',
    });
    await expect(applyDecision(db, id, { ...as, email: 'nobody@example.net' })).rejects.toMatchObject({
      code: 'CONTACT_UNKNOWN',
      field: '--contact',
    });
    await expect(applyDecision(db, id, { ...as, email: of(1).email })).rejects.toMatchObject({
      code: 'FEEDBACK_NO_MESSAGE',
    });
    await expect(dismissFeedback(db, 999, 'ann')).rejects.toMatchObject({ code: 'FEEDBACK_UNKNOWN' });
    expect(await countUnclear(db)).toBe(1);
    expect(await db.$count(eventInbox)).toBe(0);
  });

  it('puts aside what is nothing, and has the rest read once more', async () => {
    const { db } = database;
    const [one, two] = [await unclear('one'), await unclear('two')];
    await dismissFeedback(db, one, 'ann@desk');
    expect(await findFeedback(db, one)).toMatchObject({ state: 'dismissed', raw: null });
    await expect(dismissFeedback(db, one, 'ann')).rejects.toMatchObject({ code: 'FEEDBACK_DECIDED' });
    await expect(retryFeedback(db, one)).rejects.toMatchObject({ code: 'FEEDBACK_DECIDED' });
    expect(await retryFeedback(db, undefined)).toBe(1);
    expect(await findFeedback(db, two)).toMatchObject({ state: 'new' });
    await processFeedback(db, 100, judging);
    expect(await retryFeedback(db, two)).toBe(1);
  });

  it('is found by the campaign that it is about', async () => {
    const { db } = database;
    const [first, second] = [await queuedFor(db, 1), await queuedFor(db, 1)];
    await unclear();
    for (const { of } of [first, second]) {
      const envelopeTo = of(1).bounce.toUpperCase();
      await storeFeedback(db, { source: 'smtp', envelopeFrom: '', envelopeTo, raw: bounceMessage() });
    }
    const raw = bounceMessage({ messageId: second.of(1).messageId });
    await storeFeedback(db, { source: 'maildir', envelopeFrom: '', envelopeTo: '', raw });
    await processFeedback(db, 100, judging);
    const { rows: numbers } = await db.execute<{ number: number }>(
      sql`select number from campaign where id = ${second.id}`,
    );
    const about = { id: second.id, number: numbers[0]?.number ?? 0 };
    const { rows, total } = await listFeedback(db, { campaign: about, limit: 1 });
    expect(total).toBe(2);
    expect(rows).toMatchObject([{ source: 'maildir', state: 'understood', bytes: null }]);
    expect(await db.$count(feedback)).toBe(4);
  });
});
