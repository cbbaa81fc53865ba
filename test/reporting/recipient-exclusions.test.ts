import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { emailKey } from '../../src/contacts/addresses/email-address.ts';
import type { OverrulableReason } from '../../src/contacts/audience/managed/dispatch-manager.ts';
import { queueMessage } from '../../src/contacts/audience/queue-message.ts';
import {
  campaign,
  campaignAudit,
  contact,
  emailAddressHistory,
  globalOptOut,
  listMember,
  listOptOut,
  suppression,
} from '../../src/db/schema.ts';
import { readRecipients } from '../../src/dispatch/read-recipients.ts';
import type { ExclusionReason } from '../../src/domain/outcome.ts';
import { answerInWords } from '../../src/reporting/recipient/answer.ts';
import { recipientReport } from '../../src/reporting/recipient/read-report.ts';
import { insertCampaign, insertContacts, insertFormerOwner, insertList } from '../contacts/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const database = useTestDatabase();
beforeEach(async () => {
  await database.db.execute(sql`
    truncate email_address_history, contact, contact_list, list_member, list_opt_out, campaign, campaign_list, dispatch_queue, global_opt_out,
      suppression restart identity cascade`);
});

const settings = { undeliveredMaximum: 5, checkSuppressionList: true };
const audience = { ...settings, languages: ['en'], defaultLanguage: 'en' };
const email = 'ann@example.com';

interface Sample {
  readonly id: string;
  readonly contactId: number;
  readonly included: { readonly id: number; readonly name: string };
  readonly excluded: { readonly id: number; readonly name: string };
}

/** A campaign to one list, without another; ann is on the first. */
async function sample(): Promise<Sample> {
  const { db } = database;
  const [contactId = 0] = await insertContacts(db, [{ email }]);
  const included = await insertList(db, [contactId]);
  const excluded = await insertList(db, []);
  const id = await insertCampaign(db, { include: [included.id], exclude: [excluded.id] });
  await db.update(campaign).set({ definition: { pool: 'default' } });
  return { id, contactId, included, excluded };
}

/** As the pipeline does: the queue is filled, then the campaign is Sending, as of so many seconds ago. */
async function queue(id: string, secondsAgo = 0): Promise<void> {
  const { db } = database;
  await queueMessage(db, id, audience);
  await db.update(campaign).set({ state: 'Sending', subState: 'Sending' }).where(eq(campaign.id, id));
  await db.insert(campaignAudit).values({
    campaignId: id,
    actor: 'exm',
    what: 'state',
    from: 'Queuing',
    to: 'Sending',
    at: sql`now() - ${secondsAgo} * interval '1 second'`,
  });
}

const report = async (id: string, address = email, rules = settings) =>
  await recipientReport(database.db, id, address, rules);
const answer = async (id: string, address = email) => answerInWords(await report(id, address)).join(' ');
const change = async (values: Partial<typeof contact.$inferInsert>) =>
  await database.db.update(contact).set(values).where(eq(contact.email, email));

/** Each reason that can hold for a contact of an included list: how it comes about, how it goes, and what is said of it. */
const reasons: Record<
  Exclude<ExclusionReason, 'duplicate-address' | 'unknown-contact' | 'no-address' | 'send-limit'>,
  {
    readonly hold: (sample: Sample) => Promise<unknown>;
    readonly lift: (sample: Sample) => Promise<unknown>;
    readonly says: (sample: Sample) => string | RegExp;
    readonly atSending: boolean;
  }
> = {
  'excluded-list': {
    hold: async ({ excluded, contactId }) =>
      await database.db.insert(listMember).values({ listId: excluded.id, contactId }),
    lift: async ({ excluded }) =>
      await database.db.delete(listMember).where(eq(listMember.listId, excluded.id)),
    says: ({ excluded }) => `it is on the excluded list ${excluded.name}`,
    atSending: false,
  },
  'global-opt-out': {
    hold: async () =>
      await database.db.insert(globalOptOut).values({ emailKey: emailKey(email), reason: 'by phone' }),
    lift: async () => await database.db.delete(globalOptOut),
    says: () => /it is on the global opt-out list since [-0-9]+ [:0-9]+.* \(by phone[,)]/,
    atSending: true,
  },
  'do-not-market': {
    hold: async () => await change({ doNotMarket: true }),
    lift: async () => await change({ doNotMarket: false }),
    says: () => 'it is marked DoNotMarket',
    atSending: true,
  },
  'consent-revoked': {
    hold: async () => await change({ consentRevoked: true }),
    lift: async () => await change({ consentRevoked: false }),
    says: () => 'its consent is revoked',
    atSending: true,
  },
  'undelivered-maximum': {
    hold: async () => await change({ bounceCount: 6 }),
    lift: async () => await change({ bounceCount: 5 }),
    says: () => 'it bounced too often (6, and UndeliveredMaximum is 5)',
    atSending: true,
  },
  'suppression-list': {
    hold: async () =>
      await database.db.insert(suppression).values({ emailKey: emailKey(email), reason: 'complaint' }),
    lift: async () => await database.db.delete(suppression),
    says: () => /it is on the suppression list since [-0-9]+ [:0-9]+.* \(by-hand: complaint[,)]/,
    atSending: true,
  },
  'former-address': {
    hold: async () => await insertFormerOwner(database.db, emailKey(email)),
    lift: async () => await database.db.delete(emailAddressHistory),
    says: () => 'its person says no by another address: one of the two is the former address of the other',
    atSending: true,
  },
  'list-opt-out': {
    hold: async ({ included }) =>
      await database.db
        .insert(listOptOut)
        .values({ listId: included.id, emailKey: emailKey(email), reason: 'by phone' }),
    lift: async () => await database.db.delete(listOptOut),
    says: ({ included }) =>
      new RegExp(`it has opted out of ${included.name} since .* and is on no other included list`),
    atSending: true,
  },
};
const names = Object.keys(reasons) as (keyof typeof reasons)[];

describe('somebody who was not queued', () => {
  it.each(names)('for %s is told so, and what it was once it holds no more', async (name) => {
    const one = await sample();
    const { hold, lift, says } = reasons[name];
    await hold(one);
    const before = await report(one.id);
    expect(before).toMatchObject({ answer: 'nobody-queued', exclusions: [{ reason: name }] });
    expect(await answer(one.id)).toContain(
      'nobody has been queued. As things are now, ann@example.com would not get it.',
    );
    await queue(one.id);
    expect(await report(one.id)).toMatchObject({
      answer: 'not-queued',
      exclusions: [{ reason: name }],
      queue: null,
      outcome: null,
    });
    const told = await answer(one.id);
    expect(told).toMatch(
      /^No: ann@example\.com was left out when the campaign was queued, before .* UTC: its? .*\. What excludes it now: /,
    );
    expect(told).toMatch(says(one));
    expect(told).not.toContain('after the campaign was queued');
    await lift(one);
    expect(await report(one.id)).toMatchObject({ answer: 'not-queued', leftOut: name, exclusions: [] });
    expect(await answer(one.id)).toBe(told.slice(0, told.indexOf(' What excludes it now')));
  });

  it('for all reasons at once is told each of them', async () => {
    const one = await sample();
    for (const name of names) await reasons[name].hold(one);
    await queue(one.id);
    const { exclusions, leftOut } = await report(one.id);
    expect(exclusions.map(({ reason }) => reason)).toEqual(names);
    expect(leftOut).toBe('excluded-list');
  });

  it('is told what the books say of then, and not what holds now', async () => {
    const one = await sample();
    await reasons['suppression-list'].hold(one);
    await queue(one.id);
    await reasons['suppression-list'].lift(one);
    await reasons['do-not-market'].hold(one);
    expect(await answer(one.id)).toMatch(
      /^No: .* was left out .*: it was on the suppression list by then\. What excludes it now: it is marked DoNotMarket\.$/,
    );
  });

  it('since it came to a list later is told so', async () => {
    const one = await sample();
    await database.db.delete(listMember).where(eq(listMember.listId, one.included.id));
    await queue(one.id);
    await database.db.insert(listMember).values({ listId: one.included.id, contactId: one.contactId });
    expect(await answer(one.id)).toMatch(
      /^No: .* was not queued\. It was on no list that the campaign goes to when that was done, before .* UTC\.$/,
    );
  });

  it('is not told of the suppression list where that is not looked at', async () => {
    const one = await sample();
    await reasons['suppression-list'].hold(one);
    expect((await report(one.id, email, { ...settings, checkSuppressionList: false })).exclusions).toEqual(
      [],
    );
  });

  it('since the contact came later is told so', async () => {
    const one = await sample();
    await queue(one.id, 60);
    const [late = 0] = await insertContacts(database.db, [{ email: 'late@example.com' }]);
    await database.db.insert(listMember).values({ listId: one.included.id, contactId: late });
    expect(await report(one.id, 'late@example.com')).toMatchObject({ answer: 'not-queued' });
    expect(await answer(one.id, 'late@example.com')).toMatch(
      /^No: .* The contact was created at [-0-9]+ [:0-9]+ UTC, after the campaign was queued\.$/,
    );
  });

  it('as a contact of no included list is told which lists those are', async () => {
    const one = await sample();
    await insertContacts(database.db, [{ email: 'bob@example.com' }]);
    await queue(one.id);
    expect(await report(one.id, 'bob@example.com')).toMatchObject({ answer: 'on-no-list' });
    expect(await answer(one.id, 'bob@example.com')).toBe(
      `No: bob@example.com is a contact, but on none of the lists that the campaign goes to (${one.included.name}).`,
    );
  });

  it('as no contact is told what is known of the address all the same', async () => {
    const one = await sample();
    await queue(one.id);
    const who = 'Who@Example.com';
    expect(await report(one.id, who)).toMatchObject({ answer: 'no-contact', contact: null, exclusions: [] });
    expect(await answer(one.id, who)).toMatch(/^No: there is no contact with the address Who@Example\.com\./);
    const key = emailKey(who);
    await database.db.insert(globalOptOut).values({ emailKey: key, reason: 'by phone' });
    await database.db.insert(suppression).values({ emailKey: key, reason: 'complaint' });
    await database.db
      .insert(listOptOut)
      .values({ listId: one.included.id, emailKey: key, reason: 'by mail' });
    expect(await report(one.id, who)).toMatchObject({
      answer: 'no-contact',
      exclusions: [{ reason: 'global-opt-out' }, { reason: 'suppression-list' }],
    });
    const told = await answer(one.id, who);
    expect(told).toMatch(
      /global opt-out list since .* \(by phone, .*\); it is on the suppression list since .* \(by-hand: complaint[,)]/,
    );
    expect(told).toContain(`The address has opted out of ${one.included.name} since`);
  });

  it('of a campaign that was ended before it was queued is told so', async () => {
    const one = await sample();
    await database.db.update(campaign).set({ state: 'Inactive', subState: 'Cancelled', reason: 'too late' });
    expect(await answer(one.id)).toBe('No: the campaign was ended before anybody was queued: too late.');
  });

  it('is refused where there is no such campaign, or the address is none', async () => {
    await expect(report('nobody-0000')).rejects.toMatchObject({ code: 'CAMPAIGN_UNKNOWN', exitCode: 2 });
    const { id } = await sample();
    await expect(report(id, 'ann')).rejects.toMatchObject({ code: 'ADDRESS_WRONG', exitCode: 2 });
  });
});

describe('somebody who is queued', () => {
  it.each(names)('and for whom %s holds since is told what a dispatcher will do', async (name) => {
    const one = await sample();
    await queue(one.id, 60);
    const { hold, says, atSending } = reasons[name];
    await hold(one);
    const { exclusions, queue: entry, ...rest } = await report(one.id);
    expect(rest.answer).toBe('waiting');
    expect(entry).toMatchObject({ position: 1, language: 'en', variant: 0 });
    expect(exclusions).toMatchObject([{ reason: name, holdsAtSending: atSending }]);
    const [sending] = await readRecipients(database.db, one.id, { first: 1, last: 1 }, 1, settings);
    expect(sending?.exclusion ?? null).toBe(atSending ? name : null);
    const told = await answer(one.id);
    expect(told).toMatch(says(one));
    expect(told).toContain(
      atSending ? 'When its turn comes it will be left out: ' : 'came after the campaign was queued',
    );
    if (exclusions[0]?.since) expect(told).toContain('after the campaign was queued)');
  });

  it('on two of its lists is queued once, and not left out for an opt-out of one of them', async () => {
    const one = await sample();
    const second = await insertList(database.db, [one.contactId]);
    await database.db.execute(
      sql`insert into campaign_list (campaign_id, list_id, role) values (${one.id}, ${second.id}, 'include')`,
    );
    await queue(one.id);
    await reasons['list-opt-out'].hold(one);
    expect(await report(one.id)).toMatchObject({
      answer: 'waiting',
      exclusions: [],
      lists: expect.arrayContaining([
        { name: second.name, role: 'include', isMember: true, optOut: null },
        expect.objectContaining({
          name: one.included.name,
          isMember: true,
          optOut: { reason: 'by phone', since: expect.any(String) },
        }),
        { name: one.excluded.name, role: 'exclude', isMember: false, optOut: null },
      ]),
    });
  });

  it('and erased since is no contact any more', async () => {
    const one = await sample();
    await queue(one.id);
    await database.db.delete(contact);
    expect(await answer(one.id)).toMatch(
      /^No: there is no contact .* in the ledger under its number alone\.$/,
    );
  });
});

describe('whoever is no recipient yet of a campaign whose recipients a DispatchManager names', () => {
  const managed = async (id: string, overrules: OverrulableReason[] = []) =>
    await recipientReport(database.db, id, email, settings, { overrules });

  it('is told that it is asked, and what holds whomever it names', async () => {
    const { id, contactId, excluded } = await sample();
    await database.db.delete(listMember);
    const free = await managed(id);
    expect(free).toMatchObject({ answer: 'nobody-queued', isManaged: true, exclusions: [] });
    expect(answerInWords(free).join(' ')).toMatch(
      /says who gets it, whatever lists they are on\. As things are now, ann@example\.com would get it if it is named\.$/,
    );
    await change({ doNotMarket: true });
    await database.db.insert(listMember).values({ listId: excluded.id, contactId });
    expect(answerInWords(await managed(id)).join(' ')).toMatch(
      /would not get it even if it is named\. What excludes it now: it is on the excluded list .*; it is marked DoNotMarket\.$/,
    );
  });

  it('is told of no reason that it overrules, as queueing will', async () => {
    const { id } = await sample();
    await change({ doNotMarket: true, consentRevoked: true });
    const found = await managed(id, ['do-not-market']);
    expect(found.exclusions.map(({ reason }) => reason)).toEqual(['consent-revoked']);
    expect(answerInWords(found).join(' ')).toContain('do not count, as it overrules them: do-not-market.');
    // What was stored when it was queued goes before what the configuration says by now.
    await queue(id);
    expect(await managed(id, ['do-not-market'])).toMatchObject({
      isManaged: false,
      overruled: [],
      exclusions: [{ reason: 'do-not-market' }, { reason: 'consent-revoked' }],
    });
  });
});
