import { describe, expect, it } from 'vitest';
import { emailKey } from '../../src/contacts/addresses/email-address.ts';
import { optInToList, optOutOfList } from '../../src/contacts/consent/list-opt-out.ts';
import { optIn, optOut } from '../../src/contacts/consent/opt-out.ts';
import { historyShown, showContact } from '../../src/contacts/show-contact.ts';
import { dispatchOutcome, dispatchQueue, interaction, suppression } from '../../src/db/schema.ts';
import { useTestDatabase } from '../support/database.ts';
import { insertCampaign, insertContacts, insertList } from './fixtures.ts';

const database = useTestDatabase();

const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

describe('a contact', () => {
  it('is shown with facets, consent, lists, refusals, and what was sent and came back', async () => {
    const [contactId = 0] = await insertContacts(database.db, [
      {
        email: 'Ann@Bücher.example',
        firstName: 'Ann',
        lastName: 'Smith',
        language: 'de-at',
        facets: { city: 'Köln' },
        consentRevoked: true,
        bounceCount: 2,
      },
    ]);
    const lists = [await insertList(database.db, [contactId]), await insertList(database.db, [contactId])];
    const campaignId = await insertCampaign(database.db, {});
    const at = (second: number) => new Date(Date.UTC(2024, 0, 1, 0, 0, second));
    const base = { campaignId, contactId, batch: 1, server: 's' };
    await database.db.insert(dispatchQueue).values([
      { campaignId, contactId, position: 1, language: 'de' },
      { campaignId, contactId, position: 2, language: 'de' },
    ]);
    await database.db.insert(dispatchOutcome).values([
      { ...base, position: 1, kind: 'failed', reason: 'refused', reply: '550 5.1.1 unknown', at: at(1) },
      { ...base, position: 2, kind: 'sent', reply: '250 ok', messageId: '<a@b>', at: at(2) },
    ]);
    await database.db.insert(interaction).values([
      { type: 'EmailOpened', campaignId, position: 2, contactId, at: at(3) },
      { type: 'EmailClicked', campaignId, position: 2, contactId, link: 4, agent: 'bot', at: at(4) },
    ]);
    await database.db
      .insert(suppression)
      .values({ emailKey: emailKey('ann@bücher.example'), reason: 'complaint' });

    expect(await showContact(database.db, ' ANN@bücher.example', settings)).toMatchObject({
      id: contactId,
      email: 'Ann@Bücher.example',
      firstName: 'Ann',
      lastName: 'Smith',
      language: 'de-at',
      facets: { city: 'Köln' },
      consent: { doNotMarket: false, consentRevoked: true },
      bounceCount: 2,
      lists: lists.map((list) => list.name).sort(),
      listOptOuts: [],
      globalOptOut: null,
      suppression: { reason: 'complaint' },
      excluded: 'consent-revoked',
      campaigns: [
        { campaignId, name: campaignId, kind: 'sent', reason: null, reply: '250 ok', at: at(2) },
        {
          campaignId,
          name: campaignId,
          kind: 'failed',
          reason: 'refused',
          reply: '550 5.1.1 unknown',
          at: at(1),
        },
      ],
      interactions: [
        { type: 'EmailClicked', campaignId, link: 4, agent: 'bot', at: at(4) },
        { type: 'EmailOpened', campaignId, link: null, agent: 'person', at: at(3) },
      ],
    });
  });

  it('with a long history is shown with the latest of it', async () => {
    const [contactId = 0] = await insertContacts(database.db, [{ email: 'long@example.com' }]);
    const rows = Array.from({ length: historyShown + 5 }, (_, i) => ({
      campaignId: `gone-${i}`,
      position: 1,
      contactId,
      batch: 1,
      server: 's',
      kind: 'sent' as const,
      at: new Date(Date.UTC(2024, 0, 1 + i)),
    }));
    await database.db.insert(dispatchQueue).values(rows.map((row) => ({ ...row, language: 'en' })));
    await database.db.insert(dispatchOutcome).values(rows);
    const { campaigns } = await showContact(database.db, 'long@example.com', settings);
    expect(campaigns).toHaveLength(historyShown);
    expect(campaigns[0]).toMatchObject({ campaignId: `gone-${historyShown + 4}`, name: '' });
  });

  it('that is unknown is a failure that says whether the address is refused', async () => {
    await expect(showContact(database.db, 'who@example.com', settings)).rejects.toMatchObject({
      code: 'CONTACT_UNKNOWN',
      exitCode: 1,
    });
    await optOut(database.db, 'who@example.com');
    await expect(showContact(database.db, 'who@example.com', settings)).rejects.toThrow(
      'on the global opt-out list',
    );
    const list = await insertList(database.db, []);
    await optOutOfList(database.db, 'who@example.com', list.name);
    await expect(showContact(database.db, 'who@example.com', settings)).rejects.toThrow(
      `, but it is on the global opt-out list and has opted out of "${list.name}".`,
    );
    await expect(showContact(database.db, 'who', settings)).rejects.toMatchObject({
      code: 'ADDRESS_WRONG',
      exitCode: 2,
    });
  });
});

describe('the global opt-out list', () => {
  it('takes an address once, contact or not, and keeps the first reason', async () => {
    const first = await optOut(database.db, 'Out@Example.com', 'asked by phone');
    expect(first).toMatchObject({
      email: 'Out@Example.com',
      optedOut: true,
      changed: true,
      reason: 'asked by phone',
    });
    // Of the first hour: the day is that of the last, so that the undo of a click takes no other "no" away.
    const again = await optOut(database.db, 'out@example.com', 'again');
    expect(again).toEqual({ ...first, email: 'out@example.com', changed: false, since: again.since });
    expect(Number(again.since)).toBeGreaterThanOrEqual(Number(first.since));
  });

  it('gives it back once, and nothing else with it', async () => {
    await insertContacts(database.db, [{ email: 'back@example.com', doNotMarket: true }]);
    await optOut(database.db, 'back@example.com');
    expect(await optIn(database.db, 'BACK@example.com')).toMatchObject({ optedOut: false, changed: true });
    expect(await optIn(database.db, 'back@example.com')).toMatchObject({ optedOut: false, changed: false });
    expect(await showContact(database.db, 'back@example.com', settings)).toMatchObject({
      globalOptOut: null,
      excluded: 'do-not-market',
    });
  });

  it('refuses what is no address, and a reason that cannot be kept', async () => {
    for (const email of ['', 'nobody', 'a@b.example, c@d.example']) {
      await expect(optOut(database.db, email)).rejects.toMatchObject({ code: 'ADDRESS_WRONG' });
      await expect(optIn(database.db, email)).rejects.toMatchObject({ code: 'ADDRESS_WRONG' });
    }
    for (const reason of [' ', 'a\nb', 'x'.repeat(201)]) {
      await expect(optOut(database.db, 'r@example.com', reason)).rejects.toMatchObject({
        code: 'REASON_WRONG',
      });
    }
  });
});

describe('an opt-out of a list', () => {
  it('is taken once, member or not, with its first reason, and shown with the person', async () => {
    const [contactId = 0] = await insertContacts(database.db, [{ email: 'Lists@Example.com' }]);
    const [on, off] = [await insertList(database.db, [contactId]), await insertList(database.db, [])];
    const first = await optOutOfList(database.db, 'lists@example.com', on.name, 'by phone');
    expect(first).toMatchObject({ list: on.name, optedOut: true, changed: true, reason: 'by phone' });
    const again = await optOutOfList(database.db, 'LISTS@example.com', on.name, 'again');
    expect(again).toEqual({ ...first, email: 'LISTS@example.com', changed: false, since: again.since });
    await optOutOfList(database.db, 'lists@example.com', off.name);
    const entries = [
      { list: on.name, reason: 'by phone', since: again.since },
      { list: off.name, reason: 'by hand' },
    ];
    expect(await showContact(database.db, 'lists@example.com', settings)).toMatchObject({
      lists: [on.name],
      listOptOuts: entries.sort((a, b) => a.list.localeCompare(b.list)),
      globalOptOut: null,
      excluded: null,
    });
  });

  it('is taken back once, of that list alone', async () => {
    const lists = [await insertList(database.db, []), await insertList(database.db, [])];
    const [one = '', two = ''] = lists.map((list) => list.name);
    await optOutOfList(database.db, 'free@example.com', one);
    await optOutOfList(database.db, 'free@example.com', two);
    await optOut(database.db, 'free@example.com');
    const state = { email: 'free@example.com', list: one, optedOut: false, since: null, reason: null };
    expect(await optInToList(database.db, 'free@example.com', one)).toEqual({ ...state, changed: true });
    expect(await optInToList(database.db, 'free@example.com', one)).toEqual({ ...state, changed: false });
    await expect(showContact(database.db, 'free@example.com', settings)).rejects.toThrow(
      `it is on the global opt-out list and has opted out of "${two}".`,
    );
  });

  it('refuses an unknown list, what is no address, and a reason that cannot be kept', async () => {
    const list = await insertList(database.db, []);
    const unknown = { code: 'LIST_UNKNOWN', field: '--list', exitCode: 2 };
    await expect(optOutOfList(database.db, 'a@example.com', 'nowhere')).rejects.toMatchObject(unknown);
    await expect(optInToList(database.db, 'a@example.com', 'nowhere')).rejects.toMatchObject(unknown);
    await expect(optOutOfList(database.db, 'a', list.name)).rejects.toMatchObject({ code: 'ADDRESS_WRONG' });
    await expect(optOutOfList(database.db, 'a@example.com', list.name, ' ')).rejects.toMatchObject({
      code: 'REASON_WRONG',
    });
  });
});
