import { createHmac } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventInbox, feedback, globalOptOut } from '../../src/db/schema.ts';
import { processFeedback } from '../../src/feedback/process-feedback.ts';
import { keys, otherKeys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { startDelivery } from '../tracking/fixtures.ts';
import { bounceMessage, judging, queuedFor } from './fixtures.ts';

const database = useTestDatabase();
let delivery: Awaited<ReturnType<typeof startDelivery>>;
beforeAll(async () => {
  delivery = await startDelivery(database.db);
});
afterAll(async () => await delivery.close());
beforeEach(async () => {
  await database.db.execute(sql`truncate feedback, event_inbox, global_opt_out restart identity`);
});

interface Posted {
  readonly type?: string;
  readonly key?: Buffer;
  readonly age?: number;
  /** Seconds since 1970, instead of the age. */
  readonly timestamp?: number;
  /** Signed instead of the body. */
  readonly signed?: string;
}

const secondsAgo = (age: number) => Math.floor(Date.now() / 1_000) - age;
const answerTo = async (
  body: string | Buffer,
  {
    type = 'application/json',
    key = keys.internalApi,
    age = 0,
    timestamp: at = secondsAgo(age),
    signed,
  }: Posted = {},
) => {
  const timestamp = String(at);
  const hmac = createHmac('sha256', key)
    .update(`${timestamp}.`)
    .update(signed ?? body);
  return await delivery.post('/feedback', body, {
    'content-type': type,
    'x-exm-timestamp': timestamp,
    'x-exm-signature': `sha256=${hmac.digest('hex')}`,
  });
};
const post = async (...posted: Parameters<typeof answerTo>) => (await answerTo(...posted)).status;
const count = async () => await database.db.$count(feedback);

describe('POST /feedback', () => {
  it('takes a message as it is, once', async () => {
    const { of } = await queuedFor(database.db, 1);
    const raw = Buffer.concat([Buffer.from(`Delivered-To: ${of(1).bounce}\r\n`), bounceMessage()]);
    expect(await post(raw, { type: 'message/rfc822' })).toBe(202);
    expect(await post(raw, { type: 'message/rfc822' })).toBe(200);
    await processFeedback(database.db, 10, judging);
    expect(await database.db.select().from(eventInbox)).toMatchObject([
      { type: 'Bounce', position: 1, detail: { class: 'hard', by: 'notification' } },
    ]);
  });

  it('takes events that another program has understood, about messages that prove to be ours', async () => {
    const { of } = await queuedFor(database.db, 4);
    const reports = [
      { type: 'bounce', status: '5.2.2', text: 'mailbox full', returnPath: of(1).bounce },
      { type: 'complaint', text: 'abuse', messageId: of(2).messageId },
      { type: 'unsubscribe', returnPath: of(3).bounce },
      { type: 'bounce', status: '5.1.1', messageId: '<autumn-1.4.ffffffffffffffffffffffff@example.com>' },
    ];
    for (const report of reports) expect(await post(JSON.stringify(report))).toBe(202);
    await processFeedback(database.db, 10, judging);
    expect(await database.db.select().from(eventInbox).orderBy(eventInbox.position)).toMatchObject([
      { type: 'Bounce', position: 1, detail: { class: 'soft', status: '5.2.2', by: 'webhook' } },
      { type: 'SpamComplaint', position: 2 },
      { type: 'UnsubscribedFromEmail', position: 3 },
    ]);
    expect(await database.db.select().from(globalOptOut)).toMatchObject([{ emailKey: of(3).email }]);
    const states = await database.db.select().from(feedback).orderBy(feedback.id);
    expect(states.map(({ state }) => state)).toEqual(['understood', 'understood', 'understood', 'unclear']);
  });

  it('believes who unsubscribes by the same words again after having come back', async () => {
    const { of } = await queuedFor(database.db, 1);
    const report = JSON.stringify({ type: 'unsubscribe', returnPath: of(1).bounce });
    // The same second both times: of another one it would be another report.
    const timestamp = secondsAgo(100);
    expect(await post(report, { timestamp })).toBe(202);
    expect(await post(report, { timestamp })).toBe(200);
    await processFeedback(database.db, 10, judging);
    await database.db.delete(globalOptOut);
    expect(await post(report)).toBe(202);
    await processFeedback(database.db, 10, judging);
    expect(await database.db.select().from(globalOptOut)).toMatchObject([{ emailKey: of(1).email }]);
  });

  it('understands an event whose words are cut within a character', async () => {
    const { of } = await queuedFor(database.db, 1);
    const text = `${'x'.repeat(499)}\u{1f600}`;
    expect(await post(JSON.stringify({ type: 'complaint', text, returnPath: of(1).bounce }))).toBe(202);
    await processFeedback(database.db, 10, judging);
    expect(await database.db.select().from(eventInbox)).toMatchObject([{ type: 'SpamComplaint' }]);
  });

  const report = JSON.stringify({ type: 'bounce', messageId: '<1@x>' });

  it.each([
    ['another key', { key: otherKeys.internalApi }],
    ['a body that was changed', { signed: report.replace('1@x', '2@x') }],
    ['an old time', { age: 400 }],
    ['a time to come', { age: -400 }],
  ])('refuses %s', async (_, how) => {
    expect(await post(report, how)).toBe(401);
    expect(await count()).toBe(0);
  });

  it('refuses what is not signed at all, before it reads it', async () => {
    const { status } = await delivery.post('/feedback', report, { 'content-type': 'application/json' });
    expect(status).toBe(401);
  });

  it.each([
    ['another type', report, { type: 'text/plain' }, 415],
    ['no object', '[]', {}, 400],
    ['broken JSON', '{"type":', {}, 400],
    ['nothing that it is about', '{"type":"bounce"}', {}, 400],
    ['what it does not know', '{"type":"bounce","messageId":"<1@x>","to":"a@b.example"}', {}, 400],
    ['several lines', '{"type":"bounce","messageId":"<1@x>","text":"a\\nb"}', {}, 400],
    ['an empty message', '', { type: 'message/rfc822' }, 400],
    ['too much', 'x'.repeat(1_100_000), { type: 'message/rfc822' }, 413],
  ])('refuses %s, and says why to a program', async (_, body, how, status) => {
    const answer = await answerTo(body, how);
    expect([answer.status, await answer.json()]).toEqual([status, { error: expect.any(String) }]);
    expect(await count()).toBe(0);
  });

  it('says so where the database is away: it may be brought again', async () => {
    await database.db.execute(sql`alter table feedback rename to feedback_away`);
    expect(await post(report)).toBe(503);
    await database.db.execute(sql`alter table feedback_away rename to feedback`);
    expect(await post(report)).toBe(202);
  });
});
