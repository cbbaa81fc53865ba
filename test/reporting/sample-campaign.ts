import type { Database } from '../../src/db/connect.ts';
import {
  campaign,
  campaignAudit,
  campaignLink,
  contact,
  dispatchBatch,
  dispatchOutcome,
  dispatchQueue,
  eventInbox,
  server,
} from '../../src/db/schema.ts';
import type { BounceClass } from '../../src/domain/feedback.ts';
import type { OutcomeKind } from '../../src/domain/outcome.ts';
import { processEvents } from '../../src/processing/process-events.ts';

export interface SampleOutcome {
  readonly position: number;
  readonly kind: OutcomeKind;
  readonly server?: string;
  readonly reason?: string;
}

/** Enters a campaign with so many queued recipients, and outcomes of some of them, as its dispatchers would. */
export async function insertCampaign(
  db: Database,
  campaignId: string,
  queued: number,
  change: Partial<typeof campaign.$inferInsert> = {},
): Promise<void> {
  await db.insert(campaign).values({
    id: campaignId,
    name: 'Autumn',
    definition: {},
    state: 'Sending',
    subState: 'Sending',
    queued,
    startedAt: new Date('2026-09-01T08:00:00Z'),
    ...change,
  });
  const rows = Array.from({ length: queued }, (_, i) => ({
    campaignId,
    position: i + 1,
    contactId: i + 1,
    language: 'en',
  }));
  for (let i = 0; i < rows.length; i += 5_000)
    await db.insert(dispatchQueue).values(rows.slice(i, i + 5_000));
}

export async function insertOutcomes(
  db: Database,
  campaignId: string,
  batch: number,
  outcomes: readonly SampleOutcome[],
): Promise<void> {
  const at = new Date('2026-09-01T08:00:10Z');
  const rows = outcomes.map(({ position, kind, server = 'mta-1', reason }) => ({
    campaignId,
    position,
    contactId: position,
    batch,
    server,
    kind,
    reason: reason ?? null,
    at,
  }));
  for (let i = 0; i < rows.length; i += 3_000)
    await db.insert(dispatchOutcome).values(rows.slice(i, i + 3_000));
  const count = (kind: OutcomeKind) => outcomes.filter((one) => one.kind === kind).length;
  if (outcomes.every((one) => one.kind === 'cancelled')) return;
  await db.insert(dispatchBatch).values({
    campaignId,
    batch,
    first: Math.min(...outcomes.map((one) => one.position)),
    last: Math.max(...outcomes.map((one) => one.position)),
    server: outcomes[0]?.server ?? 'mta-1',
    sent: count('sent'),
    failed: count('failed'),
    skipped: count('skipped'),
    inDoubt: count('in_doubt'),
  });
}

export const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** A campaign that has everything a report can show. 1,000 queued; the last 100 remain. */
export async function insertRichCampaign(db: Database, campaignId: string): Promise<void> {
  await insertCampaign(db, campaignId, 1_000, {
    name: 'Autumn <b>& friends</b>',
    excluded: { 'global-opt-out': 12, 'undelivered-maximum': 3, 'duplicate-address': 41, 'no-address': 0 },
  });
  await db.insert(contact).values([{ email: 'ann.secret@example.com', emailKey: 'ann.secret@example.com' }]);
  await db.insert(server).values([
    {
      name: 'mta-1',
      role: 'dedicated-dispatch',
      host: 'a',
      pid: 1,
      sleepMs: 50,
      threads: 10,
      // Nobody says again that it lives: it is to live for as long as a test takes.
      seenAt: new Date(Date.now() + 3_600_000),
    },
    {
      name: 'mta-2',
      role: 'dedicated-dispatch',
      host: 'b',
      pid: 1,
      sleepMs: 200,
      threads: 10,
      seenAt: new Date('2026-09-01T08:00:00Z'),
    },
  ]);
  await insertOutcomes(db, campaignId, 1, [
    ...range(1, 700).map((position) => ({ position, kind: 'sent' as const })),
    ...range(701, 710).map((position) => ({
      position,
      kind: 'failed' as const,
      reason: '550 5.1.1 <ann.secret@example.com>: no such user',
    })),
  ]);
  await insertOutcomes(db, campaignId, 2, [
    ...range(711, 880).map((position) => ({ position, kind: 'sent' as const, server: 'mta-2' })),
    ...range(881, 895).map((position) => ({
      position,
      kind: 'skipped' as const,
      server: 'mta-2',
      reason: 'global-opt-out',
    })),
    ...range(896, 900).map((position) => ({
      position,
      kind: 'in_doubt' as const,
      server: 'mta-2',
      reason: 'connection lost after the message',
    })),
  ]);
  await db.insert(campaignLink).values([
    { campaignId, number: 0, url: 'https://www.example.com/autumn?who={{ contact.firstName }}' },
    {
      campaignId,
      number: 1,
      url: 'https://www.example.com/shop/a-rather-long-path/that-has-to-wrap-on-a-phone/index',
    },
  ]);
  await db.insert(campaignAudit).values([
    { campaignId, actor: 'ann', what: 'state', from: 'Draft', to: 'Queuing', why: null },
    { campaignId, actor: 'exm', what: 'state', from: 'Queuing', to: 'Sending', why: null },
    {
      campaignId,
      actor: 'exm',
      what: 'dispatch',
      from: 'go',
      to: 'pause',
      why: 'batch 7: the mail server refuses news@example.com',
    },
  ]);
  const browser =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36';
  const at = new Date('2026-09-01T09:00:00Z');
  const event = (type: string, position: number, userAgent = browser, link: number | null = null) => ({
    type,
    campaignId,
    position,
    contactId: position,
    userAgent,
    link,
    at,
  });
  await db
    .insert(eventInbox)
    .values([
      ...range(1, 240).map((position) => event('EmailOpened', position)),
      ...range(1, 300).map((position) =>
        event('EmailOpened', position, 'Mozilla/5.0 (via GoogleImageProxy)'),
      ),
      ...range(1, 60).map((position) => event('EmailClicked', position, browser, 0)),
      ...range(1, 25).map((position) => event('EmailClicked', position, browser, 1)),
      ...range(100, 130).map((position) => event('EmailClicked', position, 'Barracuda Sentinel', 0)),
      event('UnsubscribedFromEmail', 9),
    ]);
  const bounce = (position: number, kind: BounceClass) => ({
    ...event('Bounce', position),
    detail: { class: kind, status: '', text: 'no', by: 'notification' as const },
  });
  await db.insert(eventInbox).values([
    ...range(1, 12).map((position) => bounce(position, 'soft')),
    ...range(10, 14).map((position) => bounce(position, 'hard')),
    bounce(20, 'policy'),
    ...range(30, 31).map((position) => ({
      ...event('SpamComplaint', position),
      detail: { status: '', text: 'abuse', by: 'notification' as const },
    })),
  ]);
  let processed: number;
  do ({ processed } = await processEvents(db, 1_000));
  while (processed > 0);
}
