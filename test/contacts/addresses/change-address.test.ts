import { Readable } from 'node:stream';
import { eq, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { addressAt } from '../../../src/contacts/addresses/address-history.ts';
import { changeAddress, changeAddressIn } from '../../../src/contacts/addresses/change-address.ts';
import { emailKey } from '../../../src/contacts/addresses/email-address.ts';
import { optOutOfList } from '../../../src/contacts/consent/list-opt-out.ts';
import { optOut } from '../../../src/contacts/consent/opt-out.ts';
import { savePreferences } from '../../../src/contacts/consent/preferences.ts';
import { showSuppression } from '../../../src/contacts/consent/suppression.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { showContact } from '../../../src/contacts/show-contact.ts';
import { contact, emailAddressHistory, suppression } from '../../../src/db/schema.ts';
import type { SuppressionCause } from '../../../src/domain/suppression.ts';
import { unsubscribe } from '../../../src/tracking/unsubscribe.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { waitingForLocks } from '../../support/waiting-for-locks.ts';
import { contactByEmail, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();
const settings = { undeliveredMaximum: 5, checkSuppressionList: true };
const suppress = async (email: string, cause: SuppressionCause) =>
  await database.db
    .insert(suppression)
    .values({ emailKey: emailKey(email), cause, reason: `${cause}, in words of a bounce` });

const importText = async (text: string) =>
  await importContacts(database.db, Readable.from([text]), { list: 'imported' });
const somebodyWaitsForALock = async () => (await waitingForLocks(database.db)) > 0;

describe('a change of address', () => {
  it('takes every "no" of the person along, and leaves what was about the old mailbox', async () => {
    const [id = 0] = await insertContacts(database.db, [
      { email: 'old@example.com', firstName: 'Ann', consentRevoked: true, bounceCount: 9 },
    ]);
    const list = await insertList(database.db, [id]);
    await optOut(database.db, 'old@example.com', 'asked by phone');
    await optOutOfList(database.db, 'old@example.com', list.name, 'not this one');
    await suppress('old@example.com', 'complaint');

    const changed = await changeAddress(database.db, 'OLD@example.com', 'New@example.com');
    expect(changed).toEqual({
      id,
      from: 'old@example.com',
      to: 'New@example.com',
      changed: true,
      carried: { globalOptOut: true, suppression: true, listOptOuts: 1 },
    });
    expect(await showContact(database.db, 'new@example.com', settings)).toMatchObject({
      id,
      email: 'New@example.com',
      firstName: 'Ann',
      bounceCount: 0,
      consent: { consentRevoked: true },
      globalOptOut: { reason: 'asked by phone' },
      suppression: { cause: 'complaint', reason: 'complaint, in words of a bounce' },
      listOptOuts: [{ list: list.name, reason: 'not this one' }],
      addresses: [{ email: 'old@example.com' }],
    });
    await expect(showContact(database.db, 'old@example.com', settings)).rejects.toThrow(
      /is on the global opt-out list and is on the suppression list and has opted out of/,
    );
  });

  it.each([
    ['hard-bounce', false],
    ['soft-bounces', false],
    ['by-hand', true],
    ['import', true],
    ['complaint', true],
  ] as const)('of one suppressed with the cause %s carries that along: %s', async (cause, carried) => {
    await insertContacts(database.db, [{ email: `${cause}@old.example` }]);
    await suppress(`${cause}@old.example`, cause);
    const { carried: found } = await changeAddress(
      database.db,
      `${cause}@old.example`,
      `${cause}@new.example`,
    );
    expect(found.suppression).toBe(carried);
    const kept = await showSuppression(database.db, `${cause}@new.example`, settings);
    expect(kept.entry?.cause).toBe(carried ? cause : undefined);
  });

  it.each([{ doNotMarket: true }, { consentRevoked: true }])(
    'of somebody with %o leaves a "no" with the old address, whoever imports it again',
    async (no) => {
      const name = Object.keys(no).join();
      await insertContacts(database.db, [{ email: `${name}@was.example`, ...no }]);
      await changeAddress(database.db, `${name}@was.example`, `${name}@is.example`);
      await importText(`email\n${name}@was.example\n`);
      const excluded = async (email: string) => (await showContact(database.db, email, settings)).excluded;
      expect(await excluded(`${name}@was.example`)).toBe('global-opt-out');
      expect(await excluded(`${name}@is.example`)).toMatch(/^do-not-market$|^consent-revoked$/);
    },
  );

  it('of somebody without consent keeps them from no mail once consent is given again', async () => {
    const [id = 0] = await insertContacts(database.db, [{ email: 'granted@was.example', doNotMarket: true }]);
    await changeAddress(database.db, 'granted@was.example', 'granted@is.example');
    await database.db.update(contact).set({ doNotMarket: false }).where(eq(contact.id, id));
    expect((await showContact(database.db, 'granted@is.example', settings)).excluded).toBeNull();
  });

  it('waits for an import that is merging: no address stands beside the key of another', async () => {
    const [id = 0] = await insertContacts(database.db, [{ email: 'a@merging.example', firstName: 'Old' }]);
    const changing = await database.db.transaction(async (tx) => {
      // What the import is about to change is held, so that the change of address would come in between.
      await tx.execute(sql`select from contact where id = ${id} for update`);
      const importing = importText('email,firstName\na@merging.example,New\n');
      await waitFor(somebodyWaitsForALock, { describe: 'the import to wait for the row' });
      const change = changeAddress(database.db, 'a@merging.example', 'b@merging.example');
      await new Promise((resolve) => setTimeout(resolve, 200));
      return { importing, change };
    });
    await Promise.all([changing.importing, changing.change]);
    expect(await contactByEmail(database.db, 'b@merging.example')).toMatchObject({
      id,
      email: 'b@merging.example',
      firstName: 'New',
    });
  });

  it('is waited for by a "no" of the same moment, which holds for the new address', async () => {
    const leave = { firstName: '', lastName: '', language: '' };
    const [id = 0] = await insertContacts(database.db, [{ email: 'a@moment.example' }]);
    const list = await insertList(database.db, [id]);
    await database.db.execute(sql`update contact_list set title = 'News' where id = ${list.id}`);
    const campaignId = await insertCampaign(database.db, { include: [list.id] });
    const message = { campaignId, position: 1, contactId: id };
    const saying = await database.db.transaction(async (tx) => {
      await changeAddressIn(tx, 'a@moment.example', 'b@moment.example');
      const all = unsubscribe(database.db, message, 'all', '');
      const one = savePreferences(database.db, message, { ...leave, leave: [list.id] }, '');
      await new Promise((resolve) => setTimeout(resolve, 200));
      return { all, one };
    });
    await Promise.all([saying.all, saying.one]);
    expect(await showContact(database.db, 'b@moment.example', settings)).toMatchObject({
      globalOptOut: { reason: `unsubscribed from ${campaignId}` },
      listOptOuts: [{ list: list.name }],
    });
  });

  it('is refused to what is no address, nobody, or somebody else', async () => {
    await insertContacts(database.db, [{ email: 'one@example.com' }, { email: 'two@example.com' }]);
    const change = async (from: string, to: string) => await changeAddress(database.db, from, to);
    await expect(change('one@example.com', 'nobody')).rejects.toMatchObject({ code: 'ADDRESS_WRONG' });
    await expect(change('none@example.com', 'x@example.com')).rejects.toMatchObject({
      code: 'CONTACT_UNKNOWN',
    });
    await expect(change('one@example.com', 'TWO@example.com')).rejects.toMatchObject({
      code: 'ADDRESS_TAKEN',
    });
    expect(await contactByEmail(database.db, 'one@example.com')).toMatchObject({ historyPending: false });
    // Only the way it is written.
    expect(await change('one@example.com', 'One@example.com')).toMatchObject({ changed: true });
    expect(await contactByEmail(database.db, 'one@example.com')).toMatchObject({
      email: 'One@example.com',
      historyPending: false,
    });
  });

  it('lets one tell which address a contact had when', async () => {
    const at = (hour: number) => new Date(Date.UTC(2024, 0, 1, hour));
    const [id = 0] = await insertContacts(database.db, [{ email: 'a@when.example', addressSince: at(0) }]);
    const emailAt = async (hour: number) => (await addressAt(database.db, id, at(hour)))?.email;
    expect(await emailAt(1)).toBe('a@when.example');
    await changeAddress(database.db, 'a@when.example', 'b@when.example');
    await database.db
      .update(contact)
      .set({ addressSince: at(2) })
      .where(eq(contact.id, id));
    // Not yet sent to: it counts from its change on.
    expect(await Promise.all([-1, 1, 3].map(emailAt))).toEqual([
      'a@when.example',
      'a@when.example',
      'b@when.example',
    ]);
    // First sent to at four: what was on its way before went to the old one.
    await database.db
      .insert(emailAddressHistory)
      .values({ contactId: id, email: 'b@when.example', emailKey: 'b@when.example', usedFrom: at(4) });
    await database.db.update(contact).set({ historyPending: false }).where(eq(contact.id, id));
    expect(await Promise.all([1, 3, 5].map(emailAt))).toEqual([
      'a@when.example',
      'a@when.example',
      'b@when.example',
    ]);
    expect(await addressAt(database.db, id, at(5))).toMatchObject({ isPresent: true });
    expect(await addressAt(database.db, id, at(1))).toMatchObject({ isPresent: false });
    expect(await addressAt(database.db, 999_999, at(1))).toBeUndefined();
  });
});
