import { eq, sql } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { changeWord } from '../../src/campaigns/change-state.ts';
import { optOut } from '../../src/contacts/consent/opt-out.ts';
import {
  campaign,
  campaignLink,
  dispatchOutcome,
  eventInbox,
  interaction,
  server,
  testSend,
} from '../../src/db/schema.ts';
import { cancelRemaining } from '../../src/dispatch/ledger/cancel-remaining.ts';
import { takeLease } from '../../src/dispatch/ledger/take-lease.ts';
import { sendBatch } from '../../src/dispatch/send-batch.ts';
import type { SendBatchInput } from '../../src/domain/dispatch.ts';
import { answerInWords } from '../../src/reporting/recipient/answer.ts';
import { recipientReport } from '../../src/reporting/recipient/read-report.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { dispatchHost, queuedCampaign } from '../support/dispatch-host.ts';
import { type SmtpAnswer, startSmtpReceiver } from '../support/smtp-receiver.ts';

const database = useTestDatabase();
afterEach(async () => {
  await database.db.execute(sql`truncate contact, campaign, global_opt_out, server cascade`);
});
// Before that: what comes last is done first.
const closers = useClosers();

const settings = { undeliveredMaximum: 5, checkSuppressionList: true };
const report = async (id: string, email: string) => await recipientReport(database.db, id, email, settings);
const answer = async (id: string, email: string) => answerInWords(await report(id, email)).join(' ');
const time = '[-0-9]{10} [:0-9]{8} UTC';

async function queued(...emails: string[]): Promise<SendBatchInput> {
  return await queuedCampaign(
    database.db,
    emails.map((email) => ({ email })),
  );
}

/** Sends a batch to a real mail server, which answers each recipient so. */
async function send(
  batch: SendBatchInput,
  onRcpt: (address: string) => SmtpAnswer | undefined = () => undefined,
): Promise<void> {
  const receiver = await startSmtpReceiver({ onRcpt });
  const host = dispatchHost(database.db, { smtpUrl: receiver.url, name: 'mta-1' });
  closers.push(
    () => receiver.close(),
    () => host.close(),
  );
  await sendBatch(host, batch, { number: 1, cancelled: new AbortController().signal });
}

async function alive(name: string, seenAt = new Date()): Promise<void> {
  await database.db
    .insert(server)
    .values({ name, role: 'dedicated-dispatch', pool: 'default', host: 'a', pid: 1, threads: 4, seenAt });
}

describe('the answer for somebody whom a dispatcher has come to', () => {
  it('is the time, the server and the reply of each outcome, and of each "later"', async () => {
    const batch = await queued('ann@example.com', 'bob@example.com', 'cid@example.com', 'dan@example.com');
    await optOut(database.db, 'dan@example.com', 'by phone');
    await send(batch, (address) => {
      if (address === 'bob@example.com') return { code: 550, text: '5.1.1 no such user' };
      return address === 'cid@example.com' ? { code: 451, text: '4.7.1 greylisted' } : undefined;
    });
    const id = batch.campaignId;
    const sent = await report(id, 'ann@example.com');
    expect(sent).toMatchObject({
      answer: 'sent',
      queue: { position: 1, language: 'en' },
      outcome: { kind: 'sent', server: 'mta-1', batch: 1, reply: expect.stringMatching(/^250 /) },
      deferral: null,
      waitingFor: [],
    });
    expect(sent.outcome?.messageId).toMatch(/^<.+@.+>$/);
    expect(await answer(id, 'ann@example.com')).toMatch(
      new RegExp(
        `^Yes: ".+" was sent to ann@example\\.com at ${time} by mta-1; the mail server answered "250 .*"\\.$`,
      ),
    );

    expect(await report(id, 'bob@example.com')).toMatchObject({
      answer: 'failed',
      outcome: { reason: 'refused by the mail server', reply: '550 5.1.1 no such user' },
    });
    expect(await answer(id, 'bob@example.com')).toMatch(
      new RegExp(
        `^No: the message to bob@example\\.com failed at ${time} by mta-1: refused by the mail server; the mail server answered "550 5\\.1\\.1 no such user"\\.$`,
      ),
    );

    const putOff = await report(id, 'cid@example.com');
    expect(putOff).toMatchObject({
      answer: 'waiting',
      outcome: null,
      deferral: { attempts: 1, reply: '451 4.7.1 greylisted' },
      waitingFor: [{ for: 'due', at: putOff.deferral?.dueAt }],
    });
    expect(await answer(id, 'cid@example.com')).toMatch(
      new RegExp(
        `^Not yet: .* It was put off until ${time}, and is tried again then; the mail server answered "451 4\\.7\\.1 greylisted"\\.$`,
      ),
    );

    expect(await report(id, 'dan@example.com')).toMatchObject({ answer: 'skipped' });
    expect(await answer(id, 'dan@example.com')).toMatch(
      new RegExp(
        `^No: dan@example\\.com was queued and left out when its turn came, at ${time}: it was on the global opt-out list by then\\. What excludes it now: it is on the global opt-out list since ${time}.* \\(by phone\\)\\.$`,
      ),
    );
  });

  it('has what happened to the message later, also what has not been processed yet', async () => {
    const batch = await queued('ann@example.com');
    const id = batch.campaignId;
    await send(batch);
    const contactId = (await report(id, 'ann@example.com')).contact?.id ?? 0;
    const event = { campaignId: id, position: 1, contactId };
    const at = (second: number) => new Date(Date.UTC(2026, 8, 1, 8, 0, second));
    await database.db
      .insert(campaignLink)
      .values({ campaignId: id, number: 7, url: 'https://shop.example.com/offer' })
      .onConflictDoNothing();
    const bounce = { class: 'hard', status: '5.1.1', text: 'no such user', by: 'notification' } as const;
    await database.db.insert(interaction).values([
      { ...event, type: 'EmailOpened', at: at(1), repeats: 2 },
      { ...event, type: 'Bounce', agent: 'mail-server', at: at(4), detail: bounce },
      { ...event, type: 'EmailOpened', campaignId: 'another', at: at(2) },
    ]);
    await database.db.insert(eventInbox).values([{ ...event, type: 'EmailClicked', link: 7, at: at(3) }]);
    expect((await report(id, 'ann@example.com')).events).toEqual([
      {
        type: 'EmailOpened',
        at: at(1).toISOString(),
        link: null,
        url: null,
        agent: 'person',
        repeats: 2,
        detail: null,
      },
      {
        type: 'EmailClicked',
        at: at(3).toISOString(),
        link: 7,
        url: 'https://shop.example.com/offer',
        agent: null,
        repeats: 0,
        detail: null,
      },
      {
        type: 'Bounce',
        at: at(4).toISOString(),
        link: null,
        url: null,
        agent: 'mail-server',
        repeats: 0,
        detail: bounce,
      },
    ]);
    expect(await answer(id, 'ann@example.com')).toMatch(
      /^Yes: .* It came back as undeliverable for good at 2026-09-01 08:00:04 UTC: 5\.1\.1 no such user\.$/,
    );
  });

  it('in doubt says that it may have the message or not', async () => {
    const { campaignId } = await queued('ann@example.com');
    const contactId = (await report(campaignId, 'ann@example.com')).contact?.id ?? 0;
    await database.db.insert(dispatchOutcome).values({
      campaignId,
      position: 1,
      contactId,
      batch: 1,
      server: 'mta-1',
      kind: 'in_doubt',
      reason: 'the process ended while the message was on the wire',
      at: new Date(),
    });
    expect(await report(campaignId, 'ann@example.com')).toMatchObject({ answer: 'in_doubt' });
    expect(await answer(campaignId, 'ann@example.com')).toMatch(
      /^Perhaps: the message to ann@example\.com was handed over at .* by mta-1 without a reply reaching us: the process ended while the message was on the wire\. It may have been delivered or not/,
    );
  });
});

describe('the answer for somebody whose turn has not come', () => {
  it('names the dispatcher that has the batch in hand, and whether that is alive', async () => {
    const { campaignId } = await queued('ann@example.com', 'bob@example.com');
    expect((await report(campaignId, 'ann@example.com')).waitingFor).toEqual([
      {
        for: 'dispatcher',
        reason: 'no dispatcher of the pool "default" is alive: start "exm worker dedicated-dispatch"',
      },
    ]);
    await alive('mta-1');
    expect((await report(campaignId, 'ann@example.com')).waitingFor).toEqual([{ for: 'turn' }]);
    expect(await answer(campaignId, 'bob@example.com')).toBe(
      'Not yet: bob@example.com is queued, and has no outcome. The campaign is Sending, and no dispatcher has taken its batch yet (position 2 of 2).',
    );
    await takeLease(database.db, {
      campaignId,
      batch: 4,
      range: { first: 1, last: 1 },
      server: 'mta-1',
      attempt: 1,
    });
    expect((await report(campaignId, 'ann@example.com')).waitingFor).toMatchObject([
      { for: 'batch', batch: 4, server: 'mta-1', presence: 'alive' },
    ]);
    expect((await report(campaignId, 'bob@example.com')).waitingFor).toEqual([{ for: 'turn' }]);
    await database.db.update(server).set({ seenAt: new Date(0) });
    expect(await answer(campaignId, 'ann@example.com')).toMatch(
      new RegExp(
        `It is in batch 4, which mta-1 took at ${time}; that server is dead, so the batch is given to another\\.$`,
      ),
    );
  });

  it('says who has paused the campaign, since when and why; or that it is being cancelled', async () => {
    const { campaignId } = await queued('ann@example.com');
    const by = 'ann@host';
    await changeWord(database.db, { campaignId, word: 'pause', by, why: 'wrong price' });
    expect(await report(campaignId, 'ann@example.com')).toMatchObject({
      answer: 'waiting',
      waitingFor: [{ for: 'resume', reason: 'wrong price', by }],
    });
    expect(await answer(campaignId, 'ann@example.com')).toMatch(
      new RegExp(
        `^Not yet: .* The campaign is paused since ${time} by ann@host: wrong price\\. "exm campaign resume ${campaignId}" lets it go on\\.$`,
      ),
    );
    await changeWord(database.db, { campaignId, word: 'cancel', by, why: 'out of stock' });
    expect((await report(campaignId, 'ann@example.com')).waitingFor).toEqual([{ for: 'cancel' }]);
    await cancelRemaining(database.db, campaignId);
    expect(await report(campaignId, 'ann@example.com')).toMatchObject({
      answer: 'cancelled',
      outcome: { reason: 'the campaign was cancelled' },
    });
    expect(await answer(campaignId, 'ann@example.com')).toBe(
      'No: the campaign was cancelled before the turn of ann@example.com came: out of stock.',
    );
  });

  it('says that the books are wrong where the campaign has ended without an outcome', async () => {
    const { campaignId } = await queued('ann@example.com');
    await database.db.update(campaign).set({ state: 'Sent' }).where(eq(campaign.id, campaignId));
    expect(await report(campaignId, 'ann@example.com')).toMatchObject({
      answer: 'no-outcome',
      waitingFor: [],
    });
    expect(await answer(campaignId, 'ann@example.com')).toContain(
      `The books do not balance; see "exm campaign audit ${campaignId}".`,
    );
  });
});

it('test messages to an address are told of, whether or not it is a contact', async () => {
  const { campaignId } = await queued('ann@example.com');
  const result = { language: 'en', variant: 0, ok: true, reply: '250 ok' };
  await database.db.insert(testSend).values([
    {
      id: 't1',
      campaignId,
      addresses: ['You@Example.com', 'ann@example.com'],
      results: [
        { ...result, address: 'You@Example.com' },
        { ...result, address: 'ann@example.com', ok: false, reply: '550 no' },
      ],
    },
    { id: 't2', campaignId, addresses: ['you@example.com'] },
  ]);
  expect((await report(campaignId, 'you@example.com')).tests).toMatchObject([
    { ok: true, reply: '250 ok' },
    { ok: null, reply: null },
  ]);
  expect(await answer(campaignId, 'you@example.com')).toMatch(
    /^No: there is no contact .* A test message of this campaign was sent to this address at /,
  );
  expect((await report(campaignId, 'ann@example.com')).tests).toMatchObject([{ ok: false }]);
});
