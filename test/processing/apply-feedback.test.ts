import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfigSettings } from '../../src/config/exm-config.ts';
import { changeAddress } from '../../src/contacts/addresses/change-address.ts';
import {
  campaign,
  campaignStatistic,
  contact,
  dispatchOutcome,
  emailAddressHistory,
  eventInbox,
  globalOptOut,
  interaction,
  suppression,
} from '../../src/db/schema.ts';
import type { BounceClass } from '../../src/domain/feedback.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { createTestDatabase } from '../support/database.ts';

const database = await createTestDatabase();
const { db } = database;
afterAll(() => database.drop());

const campaignId = 'autumn-7k3f';
const start = Date.UTC(2026, 8, 1, 8);
const day = 86_400;
const at = (seconds: number) => new Date(start + seconds * 1_000);

beforeEach(async () => {
  await db.execute(sql`truncate campaign, event_inbox, interaction, contact, dispatch_outcome, email_address_history,
    suppression, global_opt_out, left_mailbox restart identity cascade`);
  await db.insert(campaign).values({ id: campaignId, name: 'Autumn', definition: {} });
});

async function person(change: Partial<typeof contact.$inferInsert> = {}): Promise<number> {
  const email = change.email ?? 'ada@example.org';
  const [row] = await db
    .insert(contact)
    .values({ email, emailKey: email, addressSince: at(-day), ...change })
    .returning();
  return row?.id ?? 0;
}

/** Message `position` was sent at the given time. */
async function sent(contactId: number, position: number, seconds: number): Promise<void> {
  await db.insert(dispatchOutcome).values({
    campaignId,
    position,
    contactId,
    batch: 1,
    server: 's',
    kind: 'sent',
    at: at(seconds),
  });
}

interface Came {
  readonly contactId: number;
  readonly position?: number;
  readonly class?: BounceClass;
  readonly seconds?: number;
  /** Left out: a bounce. */
  readonly type?: 'SpamComplaint' | 'EmailClicked';
}

async function came(...all: Came[]): Promise<void> {
  await db.insert(eventInbox).values(
    all.map(({ contactId, position = 1, class: kind, seconds = 0, type }) => ({
      type: type ?? 'Bounce',
      campaignId,
      position,
      contactId,
      ...(type === 'EmailClicked'
        ? { link: 0, userAgent: 'Thunderbird/128.0' }
        : {
            detail: {
              ...(kind ? { class: kind } : {}),
              status: '5.1.1',
              text: 'no such user',
              by: 'notification' as const,
            },
          }),
      at: at(seconds),
    })),
  );
}

async function drain(settings = {}): Promise<void> {
  while ((await processEvents(db, 100, { ...defaultConfigSettings, ...settings })).processed > 0);
}

async function state(contactId: number) {
  const [row] = await db.select().from(contact).where(eq(contact.id, contactId));
  return {
    bounceCount: row?.bounceCount,
    suppressed: (await db.select().from(suppression).orderBy(suppression.emailKey)).map(
      ({ emailKey, cause, reason }) => [emailKey, cause, reason],
    ),
    optedOut: (await db.select().from(globalOptOut)).map(({ emailKey }) => emailKey),
  };
}

describe('a bounce', () => {
  it('that is soft adds one; the fourth since the last click puts the address on the suppression list', async () => {
    const contactId = await person();
    for (const position of [1, 2, 3]) await came({ contactId, position, class: 'soft', seconds: position });
    await drain();
    expect(await state(contactId)).toEqual({ bounceCount: 3, suppressed: [], optedOut: [] });
    await came({ contactId, position: 4, class: 'soft', seconds: 4 });
    await drain();
    expect(await state(contactId)).toEqual({
      bounceCount: 4,
      suppressed: [['ada@example.org', 'soft-bounces', '4 soft bounces, the last of autumn-7k3f']],
      optedOut: [],
    });
  });

  it('counts from the last click, in the order in which they happened', async () => {
    const contactId = await person();
    for (const position of [1, 2, 3]) await came({ contactId, position, class: 'soft', seconds: position });
    await drain();
    await came(
      { contactId, position: 4, class: 'soft', seconds: 20 },
      { contactId, position: 5, class: 'hard', seconds: 10 },
      { contactId, position: 3, type: 'EmailClicked', seconds: 15 },
    );
    await drain();
    expect(await state(contactId)).toEqual({ bounceCount: 1, suppressed: [], optedOut: [] });
    // One that comes late, and happened before the click.
    await came({ contactId, position: 6, class: 'hard', seconds: 14 });
    await drain();
    expect(await state(contactId)).toEqual({ bounceCount: 1, suppressed: [], optedOut: [] });
  });

  it('that is hard puts the count above UndeliveredMaximum, and the address on the suppression list', async () => {
    const contactId = await person({ bounceCount: 1 });
    await came({ contactId, class: 'hard' });
    await drain();
    expect(await state(contactId)).toEqual({
      bounceCount: 6,
      suppressed: [['ada@example.org', 'hard-bounce', '1 hard bounce, the last of autumn-7k3f']],
      optedOut: [],
    });
  });

  it('about policy is counted, and nothing follows for the person', async () => {
    const contactId = await person();
    await came({ contactId, class: 'policy' });
    await drain();
    expect(await state(contactId)).toEqual({ bounceCount: 0, suppressed: [], optedOut: [] });
    const [row] = await db.select().from(campaignStatistic);
    expect(row).toMatchObject({ type: 'Bounce', agent: 'mail-server', total: 1, unique: 1 });
  });

  it('counts once a message, however often and in whatever order it is reported, and a graver one once more', async () => {
    const contactId = await person();
    await came({ contactId, class: 'soft' }, { contactId, class: 'soft', seconds: 2 * day });
    await drain();
    expect(await state(contactId)).toMatchObject({ bounceCount: 1 });
    await came({ contactId, class: 'hard', seconds: 3 * day });
    await drain();
    await came(
      { contactId, class: 'hard', seconds: 4 * day },
      { contactId, class: 'soft', seconds: 5 * day },
    );
    await drain();
    expect(await state(contactId)).toMatchObject({ bounceCount: 6 });
    const stored = await db.select().from(interaction).orderBy(interaction.id);
    expect(stored.map(({ detail, repeats, agent }) => [detail?.class, repeats, agent])).toEqual([
      ['soft', 2, 'mail-server'],
      ['hard', 1, 'mail-server'],
    ]);
    const [row] = await db.select().from(campaignStatistic);
    expect(row).toMatchObject({ total: 2, unique: 1 });
  });

  it('of a message to an earlier address suppresses that one and says nothing about the present one', async () => {
    const contactId = await person({ addressSince: at(day) });
    await db.insert(emailAddressHistory).values([
      { contactId, email: 'Ada@Old.example', emailKey: 'ada@old.example', usedFrom: at(-10 * day) },
      { contactId, email: 'ada@example.org', emailKey: 'ada@example.org', usedFrom: at(day) },
    ]);
    await sent(contactId, 1, 0);
    await came({ contactId, class: 'hard', seconds: 2 * day });
    await drain();
    expect(await state(contactId)).toEqual({
      bounceCount: 0,
      suppressed: [['ada@old.example', 'hard-bounce', 'hard bounce of autumn-7k3f']],
      optedOut: [],
    });
  });

  it('of a mailbox that its contact has left and got again counts with those from before', async () => {
    const contactId = await person({ email: 'Ada@example.org', emailKey: 'ada@example.org' });
    for (const position of [1, 2, 3]) {
      await sent(contactId, position, position);
      await came({ contactId, position, class: 'soft', seconds: position + 10 });
    }
    await drain();
    await changeAddress(db, 'ada@example.org', 'b@example.org');
    // Late, while nobody had it.
    await sent(contactId, 4, 20);
    await came({ contactId, position: 4, class: 'soft', seconds: 30 });
    await drain();
    expect(await state(contactId)).toEqual({ bounceCount: 0, suppressed: [], optedOut: [] });
    await changeAddress(db, 'b@example.org', 'ada@example.org');
    expect(await state(contactId)).toMatchObject({ bounceCount: 4, suppressed: [] });
    await came({ contactId, position: 5, class: 'soft', seconds: 10 * 365 * day });
    await drain();
    expect(await state(contactId)).toMatchObject({
      bounceCount: 5,
      suppressed: [['ada@example.org', 'soft-bounces', '5 soft bounces, the last of autumn-7k3f']],
    });
  });

  it('counts on after a click in a message to an address that the contact has left: it shows another mailbox to be read', async () => {
    const contactId = await person({ addressSince: at(day), historyPending: true });
    await db
      .insert(emailAddressHistory)
      .values({ contactId, email: 'old@example.org', emailKey: 'old@example.org', usedFrom: at(-day) });
    await sent(contactId, 1, 0);
    for (const position of [2, 3, 4]) {
      await sent(contactId, position, 2 * day);
      await came({ contactId, position, class: 'soft', seconds: 2 * day + position });
    }
    await drain();
    await came({ contactId, position: 1, type: 'EmailClicked', seconds: 3 * day });
    await drain();
    expect(await state(contactId)).toMatchObject({ bounceCount: 3, suppressed: [] });
    await sent(contactId, 5, 4 * day);
    await came({ contactId, position: 5, class: 'soft', seconds: 4 * day });
    await drain();
    expect(await state(contactId)).toMatchObject({
      suppressed: [['ada@example.org', 'soft-bounces', expect.anything()]],
    });
    await came({ contactId, position: 5, type: 'EmailClicked', seconds: 5 * day });
    await drain();
    expect(await state(contactId)).toMatchObject({ bounceCount: 0 });
  });

  it('does as the settings say: 0 is never, 2 is the second', async () => {
    const contactId = await person();
    await came({ contactId, class: 'hard' });
    await drain({ suppressAfterHardBounces: 2, undeliveredMaximum: 0 });
    expect(await state(contactId)).toMatchObject({ bounceCount: 1, suppressed: [] });
    await came({ contactId, position: 2, class: 'hard' });
    await drain({ suppressAfterHardBounces: 0 });
    expect(await state(contactId)).toMatchObject({ suppressed: [] });
    await came({ contactId, position: 3, class: 'hard' });
    await drain({ suppressAfterHardBounces: 2 });
    expect(await state(contactId)).toMatchObject({
      suppressed: [['ada@example.org', 'hard-bounce', '3 hard bounces, the last of autumn-7k3f']],
    });
  });
});

describe('a complaint', () => {
  it('is a "no" of the person to everything, and the address is not written to again', async () => {
    const contactId = await person();
    await came({ contactId, type: 'SpamComplaint' }, { contactId, type: 'SpamComplaint', seconds: 400 });
    await drain();
    const address = 'ada@example.org';
    expect(await state(contactId)).toEqual({
      bounceCount: 0,
      suppressed: [[address, 'complaint', 'complaint about autumn-7k3f']],
      optedOut: [address],
    });
    const [row] = await db.select().from(campaignStatistic);
    expect(row).toMatchObject({ type: 'SpamComplaint', agent: 'mail-server', total: 1, unique: 1 });
  });

  it('about the same message again holds again, where the first was taken back by hand', async () => {
    const contactId = await person();
    await sent(contactId, 1, 0);
    await came({ contactId, type: 'SpamComplaint', seconds: 10 });
    await drain();
    await db.delete(globalOptOut);
    await db.delete(suppression);
    await came({ contactId, type: 'SpamComplaint', seconds: 20 });
    await drain();
    const { optedOut, suppressed } = await state(contactId);
    expect([optedOut, suppressed.map(([key]) => key)]).toEqual([['ada@example.org'], ['ada@example.org']]);
    expect(await db.$count(interaction)).toBe(1);
  });

  it('is the cause of the suppression whatever bounces before, with or after it', async () => {
    const contactId = await person();
    await came({ contactId, class: 'hard' });
    await drain();
    expect((await state(contactId)).suppressed[0]?.[1]).toBe('hard-bounce');
    await came(
      { contactId, position: 2, type: 'SpamComplaint' },
      { contactId, position: 3, class: 'hard', seconds: 1 },
    );
    await drain();
    expect((await state(contactId)).suppressed).toEqual([
      ['ada@example.org', 'complaint', 'complaint about autumn-7k3f'],
    ]);
  });

  it('about a message to an earlier address holds for both, and a click does not undo it', async () => {
    const contactId = await person({ addressSince: at(day) });
    await db
      .insert(emailAddressHistory)
      .values({ contactId, email: 'old@example.org', emailKey: 'old@example.org', usedFrom: at(-day) });
    await db.update(contact).set({ historyPending: true });
    await sent(contactId, 1, 0);
    await came(
      { contactId, type: 'SpamComplaint', seconds: 2 * day },
      { contactId, type: 'EmailClicked', seconds: 3 * day },
    );
    await drain();
    const { optedOut, suppressed } = await state(contactId);
    expect(optedOut.sort()).toEqual(['ada@example.org', 'old@example.org']);
    expect(suppressed.map(([key]) => key)).toEqual(['old@example.org']);
  });
});
