import { asc, eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { createQueueMessage } from '../../../activities/queue-message.ts';
import { audienceText } from '../../../src/cli/show-audience.ts';
import { defaultConfigSettings, type ResolvedConfig } from '../../../src/config/exm-config.ts';
import { emailKey } from '../../../src/contacts/addresses/email-address.ts';
import { audienceReport } from '../../../src/contacts/audience/audience-report.ts';
import type {
  DispatchManager,
  ManagedCampaign,
  ManagedRecipient,
} from '../../../src/contacts/audience/managed/dispatch-manager.ts';
import { nameRecipients } from '../../../src/contacts/audience/managed/name-recipients.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import {
  campaign,
  contact,
  dispatchExclusion,
  dispatchQueue,
  globalOptOut,
  listOptOut,
} from '../../../src/db/schema.ts';
import { readRecipients } from '../../../src/dispatch/read-recipients.ts';
import { definition } from '../../message/fixtures.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { audienceSettings, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();
beforeEach(async () => {
  await database.db.execute(sql`
    truncate contact, contact_list, list_member, list_opt_out, campaign, campaign_list, dispatch_queue, dispatch_exclusion,
      dispatch_outcome, global_opt_out, suppression restart identity cascade`);
});

const enqueue = { dispatchEnqueueBatchSize: 3, dispatchEnqueueThreadsNumber: 2 };
const settings = { ...audienceSettings, languages: ['en', 'de'] };
const about: ManagedCampaign = {
  id: '',
  name: 'Autumn',
  include: [],
  exclude: [],
  languages: ['en', 'de'],
  variants: ['A', 'B', 'C'],
};
const email = (i: number) => `p${i}@example.com`;

async function* named(...recipients: ManagedRecipient[]) {
  yield* recipients;
}
const manager = (...recipients: ManagedRecipient[]): DispatchManager => ({
  recipients: () => named(...recipients),
});

async function people(count: number): Promise<number[]> {
  return await insertContacts(
    database.db,
    Array.from({ length: count }, (_, i) => ({ email: email(i), doNotMarket: i === 3 })),
  );
}

/** As the activity does. */
async function queueFor(
  id: string,
  one: DispatchManager,
  more: Partial<Parameters<typeof queueMessage>[2]> = {},
) {
  const recipients = await nameRecipients(database.db, one, { ...about, id }, enqueue);
  return await queueMessage(database.db, id, {
    ...settings,
    named: recipients,
    overruled: one.overrules,
    ...more,
  });
}

const queueOf = async (id: string) =>
  await database.db
    .select()
    .from(dispatchQueue)
    .where(eq(dispatchQueue.campaignId, id))
    .orderBy(asc(dispatchQueue.position));

describe('a DispatchManager', () => {
  it('says who gets a campaign, in which order and language, instead of the included lists', async () => {
    const [a = 0, b = 0, c = 0, no = 0, e = 0] = await people(6);
    const list = await insertList(database.db, [a, b, c]);
    const id = await insertCampaign(database.db, { include: [list.id] });
    const one = manager(
      { email: email(4) },
      { contactId: b, language: 'DE' },
      { email: 'nobody@example.com' },
      { email: ' P0@EXAMPLE.com' },
      { contactId: no },
      { contactId: b },
      { email: 'no address' },
      { contactId: 999_999 },
      { email: email(4) },
      { email: email(4), language: 'de' },
    );
    const counts = {
      queued: 3,
      excluded: { 'do-not-market': 1, 'duplicate-address': 3, 'unknown-contact': 3 },
    };
    const recipients = await nameRecipients(database.db, one, { ...about, id }, enqueue);
    const report = await database.db.transaction(
      async (tx) => await audienceReport(tx, id, settings, recipients),
    );
    expect(report).toMatchObject({
      ...counts,
      basis: 'now',
      isNamed: true,
      memberships: 10,
      lists: { included: [], excluded: [], overlaps: { onSeveralLists: 2, reasons: [] } },
    });
    expect(
      audienceText({ id, name: 'Autumn', state: 'Draft', subState: 'None', queuedAt: null, ...report }),
    ).toMatch(
      /If it were queued now, 3 people of those whom the DispatchManager names would get it\.\n\nnamed +10\n= queued +3\n\+ do-not-market +1\n/,
    );
    expect(await queueFor(id, one)).toEqual(counts);
    expect((await queueOf(id)).map((row) => [row.position, row.contactId, row.language])).toEqual([
      [1, e, 'en'],
      [2, b, 'de'],
      [3, a, 'en'],
    ]);
    expect(await database.db.select().from(dispatchExclusion)).toEqual([
      { campaignId: id, contactId: no, reason: 'do-not-market' },
    ]);
  });

  it('overrules what it names, when a campaign is queued and when it is sent, and nothing else', async () => {
    const [a = 0, b = 0, c = 0, no = 0] = await people(4);
    const list = await insertList(database.db, [a, b, c, no]);
    const exclude = await insertList(database.db, [c]);
    const lists = { include: [list.id], exclude: [exclude.id] };
    await database.db.insert(globalOptOut).values({ emailKey: emailKey(email(0)), reason: 'test' });
    await database.db
      .insert(listOptOut)
      .values({ listId: list.id, emailKey: emailKey(email(1)), reason: 'test' });
    const all = [a, b, c, no].map((contactId) => ({ contactId }));
    const strict = await insertCampaign(database.db, lists);
    expect(await queueFor(strict, manager(...all))).toEqual({
      queued: 0,
      excluded: { 'excluded-list': 1, 'global-opt-out': 1, 'do-not-market': 1, 'list-opt-out': 1 },
    });
    const id = await insertCampaign(database.db, lists);
    const overrules = ['do-not-market', 'list-opt-out'] as const;
    expect(await queueFor(id, { ...manager(...all), overrules })).toEqual({
      queued: 2,
      excluded: { 'excluded-list': 1, 'global-opt-out': 1 },
    });
    const [stored] = await database.db.select().from(campaign).where(eq(campaign.id, id));
    expect(stored?.overruled).toEqual(overrules);
    const atSending = async (overruled: (typeof overrules)[number][] | undefined) => {
      const read = await readRecipients(database.db, id, { first: 1, last: 9 }, 9, {
        ...settings,
        overruled,
      });
      return read.map(({ exclusion }) => exclusion);
    };
    expect(await atSending(stored?.overruled as (typeof overrules)[number][])).toEqual([null, null]);
    expect(await atSending(undefined)).toEqual(['list-opt-out', 'do-not-market']);
    await database.db.update(contact).set({ consentRevoked: true });
    expect(await atSending([...overrules])).toEqual(['consent-revoked', 'consent-revoked']);
  });

  it('may give variants: whoever has one stands in the test, beside its share of the others', async () => {
    const ids = await people(40);
    const id = await insertCampaign(database.db, {});
    const recipients = ids.map((contactId, i) => ({
      contactId,
      ...(i < 6 ? { variant: i % 2 ? 'c' : 'A' } : {}),
    }));
    const counts = await queueFor(id, manager(...recipients), { test: { share: 25, variants: 3 } });
    expect(counts.queued).toBe(39);
    const queue = await queueOf(id);
    expect(
      queue
        .slice(0, 5)
        .map((row) => [row.contactId, row.variant])
        .sort(),
    ).toEqual([0, 1, 2, 4, 5].map((i) => [ids[i], i % 2 ? 2 : 0]).sort());
    // A quarter of the 34 others, rounded up.
    expect(queue.slice(5, 14).map((row) => row.variant)).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(queue.slice(14).every((row) => row.variant === null)).toBe(true);
    const [stored] = await database.db.select().from(campaign).where(eq(campaign.id, id));
    expect(stored).toMatchObject({ queued: 39, testSize: 14 });
  });

  it('is looked up by batches at the same time, in its order whatever is found first', async () => {
    const ids = await people(100);
    const order = [...ids].reverse();
    const id = await insertCampaign(database.db, {});
    await queueFor(id, manager(...order.map((contactId) => ({ contactId }))));
    const expected = order.filter((contactId) => contactId !== ids[3]);
    expect((await queueOf(id)).map((row) => row.contactId)).toEqual(expected);
    const none = await insertCampaign(database.db, {});
    expect(await queueFor(none, manager())).toEqual({ queued: 0, excluded: {} });
  });

  it.each([
    [{}, /number 2 is wrong: it must be either by contactId or by email/],
    [{ contactId: 1, email: 'a@example.com' }, /either by contactId or by email/],
    [{ contactId: 1.5 }, /contactId must be the number of a contact/],
    [{ email: 7 }, /email must be text/],
    [null, /it must be an object/],
    [{ contactId: 1, variant: 'D' }, /variant must be one of A, B, C/],
    [{ contactId: 1, language: 'x'.repeat(99) }, /language must be a language tag/],
  ])('that names %j is refused by its place', async (wrong, message) => {
    const [a = 0] = await people(1);
    const id = await insertCampaign(database.db, {});
    const both = manager({ contactId: a }, wrong as unknown as ManagedRecipient);
    await expect(queueFor(id, both)).rejects.toMatchObject({
      code: 'DISPATCH_MANAGER_RECIPIENT',
      message: expect.stringMatching(message),
    });
    expect(await queueOf(id)).toEqual([]);
  });

  it('that throws, half way or at once, leaves nothing, and is asked again from the start', async () => {
    const ids = await people(10);
    const id = await insertCampaign(database.db, {});
    let [asked, ended] = [0, 0];
    const flaky: DispatchManager = {
      async *recipients() {
        asked++;
        try {
          for (const [i, contactId] of ids.entries()) {
            if (asked === 1 && i === 7) throw new Error('no answer about ann@example.com');
            yield { contactId };
          }
        } finally {
          ended++;
        }
      },
    };
    await expect(queueFor(id, flaky)).rejects.toMatchObject({
      code: 'DISPATCH_MANAGER',
      message: 'The DispatchManager threw: no answer about …@…',
      retryable: false,
    });
    const atOnce = () => {
      throw new TypeError('x is not a function');
    };
    await expect(queueFor(id, { recipients: atOnce })).rejects.toMatchObject({
      message: 'The DispatchManager threw: x is not a function',
    });
    expect(await queueOf(id)).toEqual([]);
    expect(await queueFor(id, flaky)).toEqual({ queued: 9, excluded: { 'do-not-market': 1 } });
    expect([asked, ended]).toEqual([2, 2]);
  });

  it('that does not end, or says nothing, is given up', async () => {
    const [a = 0] = await people(1);
    let ended = 0;
    const endless: DispatchManager = {
      async *recipients() {
        try {
          for (;;) yield { contactId: a };
        } finally {
          ended++;
        }
      },
      maximum: 1_000,
    };
    await expect(nameRecipients(database.db, endless, about, enqueue)).rejects.toMatchObject({
      code: 'DISPATCH_MANAGER',
      message: 'The DispatchManager named more than 1000 recipients.',
    });
    expect(ended).toBe(1);
    const silent: DispatchManager = {
      async *recipients() {
        yield { contactId: a };
        await new Promise(() => undefined);
      },
    };
    const id = await insertCampaign(database.db, {});
    await expect(
      nameRecipients(database.db, silent, { ...about, id }, { ...enqueue, longestSilenceMs: 100 }),
    ).rejects.toMatchObject({ message: 'The DispatchManager named nobody for 0.1 s, and did not end.' });
  });

  it('is not asked on while the campaign is paused, and is broken off when it is cancelled', async () => {
    const ids = await people(2);
    const id = await insertCampaign(database.db, {});
    const say = async (word: 'go' | 'pause' | 'cancel') =>
      await database.db.update(campaign).set({ word }).where(eq(campaign.id, id));
    let count = 0;
    const slow: DispatchManager = {
      async *recipients() {
        for (;;) {
          await new Promise((resolve) => setTimeout(resolve, 5));
          yield { contactId: ids[count++ % 2] ?? 0 };
        }
      },
    };
    const queueing = nameRecipients(database.db, slow, { ...about, id }, enqueue);
    const refused = expect(queueing).rejects.toMatchObject({ code: 'QUEUEING_CANCELLED' });
    await waitFor(() => count > 10);
    await say('pause');
    let before = -1;
    await waitFor(async () => {
      const isStill = before === count;
      before = count;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return isStill && before === count;
    });
    await say('go');
    await waitFor(() => count > before + 5);
    await say('cancel');
    await refused;
  });

  it('is asked by QueueMessage once, with what it has to know of the campaign', async () => {
    const [a = 0] = await people(1);
    const list = await insertList(database.db, []);
    const id = await insertCampaign(database.db, { include: [list.id] });
    await database.db.update(campaign).set({ definition: definition() }).where(eq(campaign.id, id));
    const asked: ManagedCampaign[] = [];
    const dispatchManager: DispatchManager = {
      recipients(one) {
        asked.push(one);
        return named({ contactId: a });
      },
    };
    const config = { settings: defaultConfigSettings, dispatchManager } as ResolvedConfig;
    const queue = createQueueMessage({ db: database.db, config } as Parameters<typeof createQueueMessage>[0]);
    expect(await queue({ campaignId: id })).toMatchObject({ queued: 1 });
    expect(await queue({ campaignId: id })).toMatchObject({ queued: 1 });
    expect(asked).toEqual([
      {
        id,
        name: id,
        include: definition().include,
        exclude: definition().exclude,
        languages: Object.keys(definition().bodies),
        variants: ['A'],
      },
    ]);
  });
});
