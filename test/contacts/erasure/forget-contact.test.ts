import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { lockAddresses } from '../../../src/contacts/addresses/address-lock.ts';
import { changeAddress } from '../../../src/contacts/addresses/change-address.ts';
import { emailKey } from '../../../src/contacts/addresses/email-address.ts';
import { optOut } from '../../../src/contacts/consent/opt-out.ts';
import { forgetContact } from '../../../src/contacts/erasure/forget-contact.ts';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { mergeLock } from '../../../src/contacts/import/import-merge.ts';
import { showContact } from '../../../src/contacts/show-contact.ts';
import { confirmSubscription } from '../../../src/contacts/subscription/confirm-subscription.ts';
import { upsertContact } from '../../../src/contacts/upsert-contact.ts';
import {
  campaign,
  campaignAudit,
  dispatchDeferral,
  dispatchOutcome,
  dispatchQueue,
  emailAddressHistoryBus,
  eventInbox,
  feedback,
  generalNo,
  globalOptOut,
  interaction,
  listOptOut,
  subscriptionRequest,
  suppression,
  testSend,
} from '../../../src/db/schema.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { waitingForLocks } from '../../support/waiting-for-locks.ts';
import { contactByEmail, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();
const by = 'operator@host';
const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

/** Every row of every table that has the text in it, in any case, be it as bytes or in base64. */
async function rowsWith(text: string): Promise<string[]> {
  const { rows: tables } = await database.db.execute<{ name: string }>(
    sql`select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  expect(tables.length).toBeGreaterThan(25);
  const hex = Buffer.from(text).toString('hex');
  const found: string[] = [];
  for (const { name } of tables) {
    const { rows } = await database.db.execute<{ row: string }>(sql`
      select t::text as row from ${sql.identifier(name)} t where t::text ilike ${`%${text}%`} or t::text like ${`%${hex}%`}`);
    found.push(...rows.map(({ row }) => `${name}: ${row}`));
  }
  return found;
}

/** Fills every column in which the product may put something of a person, under this address and an earlier one. */
async function fill(email: string, earlier: string) {
  const { db } = database;
  const [contactId = 0] = await insertContacts(db, [
    { email: earlier, firstName: `Name of ${email}`, facets: { note: email } },
  ]);
  const key = emailKey(email);
  await changeAddress(db, earlier, email);
  const list = await insertList(db, [contactId]);
  for (const emailKeyed of [key, emailKey(earlier)]) {
    await db.insert(globalOptOut).values({ emailKey: emailKeyed, reason: `${email} asked` });
    await db.insert(listOptOut).values({ listId: list.id, emailKey: emailKeyed, reason: 'x' });
    await db.insert(generalNo).values({ emailKey: emailKeyed });
    await db.insert(suppression).values({ emailKey: emailKeyed, reason: 'x' });
    const asked = { listId: list.id, email, emailKey: emailKeyed, firstName: 'Ann' };
    await db.insert(subscriptionRequest).values({ id: emailKeyed, ...asked });
  }
  const campaignId = await insertCampaign(db, { include: [list.id] });
  const [row] = await db
    .update(campaign)
    .set({ reason: `paused for ${email}` })
    .where(sql`id = ${campaignId}`)
    .returning();
  await db.insert(campaignAudit).values({
    campaignId,
    actor: by,
    what: 'pause',
    from: email,
    to: email,
    why: `<${email.toUpperCase()}> complained`,
  });
  const outcomes = [
    { kind: 'sent' as const, reply: `250 2.1.5 <${email}> ok: queued as 4711` },
    {
      kind: 'failed' as const,
      reason: 'refused by the mail server',
      reply: `550-5.1.1 <${email}>: no such user`,
    },
    { kind: 'failed' as const, reason: `the template knows no ${email}` },
    { kind: 'skipped' as const, reason: 'global-opt-out' },
    { kind: 'cancelled' as const, reason: `wrong price, said ${email}` },
  ];
  const position = (index: number) => index + 1;
  await db.insert(dispatchQueue).values(
    [...outcomes, 0].map((_, index) => ({
      campaignId,
      position: position(index),
      contactId,
      language: 'en',
    })),
  );
  await db.insert(dispatchOutcome).values(
    outcomes.map((outcome, index) => ({
      campaignId,
      position: position(index),
      contactId,
      batch: 1,
      server: 's',
      at: new Date(),
      ...outcome,
    })),
  );
  await db.insert(dispatchDeferral).values({
    campaignId,
    position: 6,
    attempts: 1,
    firstAt: new Date(),
    dueAt: new Date(),
    reply: `451 4.7.1 ${email} later`,
  });
  const event = {
    campaignId,
    position: 1,
    contactId,
    detail: { status: '5.1.1', text: `${email} is gone`, by: 'notification' as const },
  };
  await db.insert(eventInbox).values({ type: 'Bounce', ...event });
  await db.insert(interaction).values({ type: 'Bounce', at: new Date(), ...event });
  await db
    .insert(emailAddressHistoryBus)
    .values({ campaignId, batch: 1, changes: [{ contactId, email, at: 'x' }] });
  await db.insert(testSend).values([
    {
      id: randomUUID(),
      campaignId,
      addresses: [email],
      results: [{ address: email, language: 'en', variant: 0, ok: true, reply: email }],
    },
    { id: randomUUID(), campaignId, addresses: [email.toUpperCase(), 'boss@example.com'] },
  ]);
  const path = `b-${row?.number.toString(36)}-1-${'0'.repeat(24)}@bounces.example`;
  const raws = [
    `Final-Recipient: rfc822; ${email.toUpperCase()}\r\n`,
    `To: ${email.replace('@', '=40')}\r\n`,
    `long ${email.slice(0, 5)}=\r\n${email.slice(5)}\r\n`,
    Buffer.from(`Dear\n${email}\nxyz`)
      .toString('base64')
      .replace(/(.{16})/g, '$1\r\n'),
    Buffer.from(`D ${email}`).toString('base64'),
  ];
  await db.insert(feedback).values([
    ...raws.map((raw, index) => ({
      source: 'smtp' as const,
      hash: Buffer.from(`${key}${index}`.padEnd(32).slice(-32)).reverse(),
      raw: Buffer.from(raw),
      state: 'unclear' as const,
    })),
    {
      source: 'smtp',
      hash: Buffer.from(`${key}f`).reverse(),
      envelopeFrom: email,
      envelopeTo: path,
      state: 'understood',
    },
    {
      source: 'smtp',
      hash: Buffer.from(`${key}p`).reverse(),
      envelopeTo: path.toUpperCase(),
      raw: Buffer.from('Dear you'),
      state: 'new',
    },
  ]);
  return { contactId, campaignId, list };
}

describe('a person who is forgotten', () => {
  it.each([
    ['ann.smith@example.com', 'ann@old.example', 'joann.smith@example.com'],
    ['o\u2019neil+x@bücher.example', 'o\u2019neil@old.example', 'mo\u2019neil+x@bücher.example'],
  ])('%s is nowhere in the database any more, and everybody else is', async (email, earlier, near) => {
    const { db } = database;
    const { contactId, campaignId, list } = await fill(email, earlier);
    const somebody = await fill(near, `old-${near}`);
    const ofOther = (await rowsWith(near)).length;
    const result = await forgetContact(db, email.toUpperCase(), { by, reason: `${email} asked by mail` });
    expect(result).toMatchObject({
      contactId,
      erased: {
        contact: 1,
        'earlier addresses': 1,
        'global opt-outs': 2,
        'test messages': 2,
        'messages that came back': 7,
      },
    });
    const ofNobodyElse = async (text: string) =>
      (await rowsWith(text))
        .map((row) => row.toLowerCase())
        .filter(
          (row) => ![near, emailKey(near), `old-${near}`].some((other) => row.includes(other.toLowerCase())),
        );
    expect(await ofNobodyElse(email)).toEqual([]);
    expect(await ofNobodyElse(emailKey(email))).toEqual([]);
    expect(await ofNobodyElse(earlier)).toEqual([]);
    expect(await rowsWith(near)).toHaveLength(ofOther);
    expect(await contactByEmail(db, near)).toMatchObject({ id: somebody.contactId });
    const raws = await db.query.feedback.findMany({ columns: { raw: true } });
    const texts = raws
      .map(({ raw }) => Buffer.from(String(raw), 'base64').toString())
      .filter((text) => text.includes(email));
    expect(texts.filter((text) => !text.includes(near))).toEqual([]);

    // The books count as before, and say why as far as it names nobody.
    const { rows } = await db.execute(sql`
      select kind, reason, reply from dispatch_outcome where campaign_id = ${campaignId} order by position`);
    expect(rows).toEqual([
      { kind: 'sent', reason: null, reply: '250 2.1.5' },
      { kind: 'failed', reason: 'refused by the mail server', reply: '550-5.1.1' },
      { kind: 'failed', reason: 'erased', reply: null },
      { kind: 'skipped', reason: 'global-opt-out', reply: null },
      { kind: 'cancelled', reason: 'wrong price, said (erased)', reply: null },
    ]);
    expect(
      await db.query.campaignAudit.findFirst({ where: (audit, { eq }) => eq(audit.campaignId, campaignId) }),
    ).toMatchObject({
      from: '(erased)',
      why: '<(erased)> complained',
      actor: by,
    });
    expect(
      await db.query.listMember.findMany({ where: (member, { eq }) => eq(member.listId, list.id) }),
    ).toEqual([]);
  });

  it('is not made a contact again but by name, and is told of', async () => {
    const { db } = database;
    await insertContacts(db, [{ email: 'gone@example.com' }]);
    await changeAddress(db, 'gone@example.com', 'gone@new.example');
    await forgetContact(db, 'gone@new.example', { by, reason: 'asked' });
    await expect(showContact(db, 'gone@example.com', settings)).rejects.toThrow(
      /was forgotten on 20.*by operator@host/,
    );
    const csv = 'email\nstays@example.com\nGONE@example.com\ngone@new.example\ngone@new.example\n';
    const rejected: number[] = [];
    const report = await importContacts(db, Readable.from([csv]), {
      list: 'again',
      onRefused: ({ line }) => void rejected.push(line),
    });
    expect(report).toMatchObject({
      read: 4,
      imported: 1,
      duplicates: 0,
      refused: { total: 3, byReason: { forgotten: 3 } },
    });
    expect(rejected).toEqual([3, 4, 5]);
    await expect(upsertContact(db, { email: 'gone@example.com' })).rejects.toMatchObject({
      code: 'CONTACT_FORGOTTEN',
    });
    await expect(changeAddress(db, 'stays@example.com', 'gone@example.com')).rejects.toMatchObject({
      code: 'CONTACT_FORGOTTEN',
    });
    await expect(forgetContact(db, 'gone@example.com', { by })).rejects.toThrow(/was forgotten/);

    // A host that was away brings its journal: once more takes that out too, and the proof stays as it was.
    const { rows } = await db.execute<{ id: string }>(
      sql`select contact_id as id from forgotten where reason = 'asked' limit 1`,
    );
    const contactId = Number(rows[0]?.id);
    const campaignId = await insertCampaign(db, {});
    await db.insert(dispatchQueue).values({ campaignId, position: 1, contactId, language: 'en' });
    await db.insert(dispatchOutcome).values({
      campaignId,
      position: 1,
      contactId,
      batch: 1,
      server: 's',
      kind: 'sent',
      reply: '250 <gone@example.com>',
      at: new Date(),
    });
    expect(await forgetContact(db, 'gone@example.com', { by: 'another' })).toMatchObject({
      contactId,
      erased: { 'replies in the books': 1 },
    });
    expect(await rowsWith('gone@')).toEqual([]);

    // Who came back by themselves is a contact as any other from then on.
    await upsertContact(db, { email: 'gone@example.com' }, { allowForgotten: true });
    expect(await showContact(db, 'gone@example.com', settings)).toMatchObject({
      forgotten: { by, reason: 'asked' },
    });
    expect(await importContacts(db, Readable.from([csv]), { list: 'again' })).toMatchObject({
      updated: 2,
      refused: { total: 2 },
    });
    expect(
      await importContacts(db, Readable.from([csv]), { list: 'again', allowForgotten: true }),
    ).toMatchObject({
      created: 1,
      refused: { total: 0 },
    });
    expect(await forgetContact(db, 'gone@example.com', { by: 'another' })).toMatchObject({
      erased: { contact: 1 },
    });
  });

  it('of whom nothing is known is an error; who is no contact is erased by address', async () => {
    const { db } = database;
    await expect(forgetContact(db, 'never@example.com', { by })).rejects.toMatchObject({
      code: 'CONTACT_UNKNOWN',
    });
    await db.insert(suppression).values({ emailKey: 'only@example.com', reason: 'x' });
    expect(await forgetContact(db, 'only@example.com', { by })).toMatchObject({
      contactId: null,
      erased: { suppressions: 1 },
    });
  });

  it('keeps an earlier address that is another person\u2019s now', async () => {
    const { db } = database;
    await insertContacts(db, [{ email: 'shared@example.com' }]);
    await changeAddress(db, 'shared@example.com', 'first@example.com');
    await upsertContact(db, { email: 'shared@example.com', firstName: 'Second' });
    await db.insert(globalOptOut).values({ emailKey: 'shared@example.com', reason: 'the second asked' });
    await forgetContact(db, 'first@example.com', { by });
    expect(await showContact(db, 'shared@example.com', settings)).toMatchObject({
      firstName: 'Second',
      globalOptOut: { reason: 'the second asked' },
      forgotten: null,
    });
  });
});

describe('while a person is forgotten', () => {
  const importText = async (text: string) =>
    await importContacts(database.db, Readable.from([text]), { list: 'imported' });
  const membershipsOf = async (contactId: number) =>
    (await database.db.execute(sql`select from list_member where contact_id = ${contactId}`)).rows.length;

  /** Forgets somebody whose mention in a text is held, so that reading the texts does not end before `meanwhile` has. */
  async function forgetWhile<T>(email: string, meanwhile: () => Promise<T>): Promise<T> {
    await optOut(database.db, `${randomUUID()}@witness.example`, `told by ${email}`);
    const { forgetting, done } = await database.db.transaction(async (tx) => {
      await tx.execute(sql`select from global_opt_out where reason = ${`told by ${email}`} for update`);
      const started = forgetContact(database.db, email, { by });
      await waitFor(async () => (await waitingForLocks(database.db)) > 0, {
        describe: 'the texts to be read',
      });
      return { forgetting: started, done: await meanwhile() };
    });
    await forgetting;
    return done;
  }

  it('imports go on, and bring back nobody: one that is done before it is undone with the rest', async () => {
    const [contactId = 0] = await insertContacts(database.db, [{ email: 'gone@meanwhile.example' }]);
    const report = await forgetWhile(
      'gone@meanwhile.example',
      async () =>
        await importText('email,firstName\ngone@meanwhile.example,Gone\nother@meanwhile.example,Other\n'),
    );
    expect(report).toMatchObject({ imported: 2 });
    expect(await rowsWith('gone@meanwhile.example')).toEqual([]);
    expect(await membershipsOf(contactId)).toBe(0);
    expect(await contactByEmail(database.db, 'other@meanwhile.example')).toMatchObject({
      firstName: 'Other',
    });
  });

  it('an import that makes a contact of the address is undone as well', async () => {
    await optOut(database.db, 'unknown@meanwhile.example', 'asked');
    await forgetWhile(
      'unknown@meanwhile.example',
      async () => await importText('email\nunknown@meanwhile.example\n'),
    );
    expect(await rowsWith('unknown@meanwhile.example')).toEqual([]);
  });

  it('a change of address takes its traces of both addresses along', async () => {
    await insertContacts(database.db, [{ email: 'was@meanwhile.example' }]);
    await optOut(database.db, 'noted@meanwhile.example', 'as now@meanwhile.example said');
    await forgetWhile('was@meanwhile.example', async () => {
      await changeAddress(database.db, 'was@meanwhile.example', 'passing@meanwhile.example');
      await changeAddress(database.db, 'passing@meanwhile.example', 'now@meanwhile.example');
      await changeAddress(database.db, 'now@meanwhile.example', 'was@meanwhile.example');
    });
    for (const name of ['was', 'passing', 'now'])
      expect(await rowsWith(`${name}@meanwhile.example`)).toEqual([]);
  });

  it('an import that has read its file before, and merges after it, refuses them', async () => {
    await insertContacts(database.db, [{ email: 'read@meanwhile.example' }]);
    let goOn = () => {};
    const gate = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    async function* file() {
      yield 'email\nread@meanwhile.example\n';
      await gate;
      yield 'last@meanwhile.example\n';
    }
    const importing = importContacts(database.db, Readable.from(file()), { list: 'imported' });
    await forgetContact(database.db, 'read@meanwhile.example', { by });
    goOn();
    expect(await importing).toMatchObject({ imported: 1, refused: { total: 1 } });
    expect(await rowsWith('read@meanwhile.example')).toEqual([]);
  });

  it('a campaign that a text about them is of is held by nobody while an import merges', async () => {
    await insertContacts(database.db, [{ email: 'held@meanwhile.example' }]);
    const campaignId = await insertCampaign(database.db, {});
    await database.db.execute(
      sql`update campaign set reason = 'as held@meanwhile.example said' where id = ${campaignId}`,
    );
    const forgetting = await database.db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${mergeLock})`);
      const started = forgetContact(database.db, 'held@meanwhile.example', { by });
      await waitFor(async () => (await waitingForLocks(database.db)) === 1, {
        describe: 'the merge to be waited for',
      });
      await database.db.transaction(async (other) => {
        await other.execute(sql`set local lock_timeout = 5000`);
        await other.execute(sql`update campaign set word = 'pause' where id = ${campaignId}`);
      });
      return { started };
    });
    await forgetting.started;
    expect(await rowsWith('held@meanwhile.example')).toEqual([]);
  });

  it('nobody waits in a circle who confirms a subscription', async () => {
    const { db } = database;
    const email = 'confirming@meanwhile.example';
    const [id = 0] = await insertContacts(db, [{ email }]);
    const { id: listId } = await insertList(db, [id]);
    await db.execute(sql`update contact_list set title = 'News' where id = ${listId}`);
    await db.insert(subscriptionRequest).values({ id: email, listId, email, emailKey: email });
    const both = await db.transaction(async (tx) => {
      await lockAddresses(tx, [email]);
      const forgetting = forgetContact(db, email, { by });
      await waitFor(async () => (await waitingForLocks(database.db)) === 1, {
        describe: 'who erases to wait',
      });
      const confirming = confirmSubscription(db, email);
      await waitFor(async () => (await waitingForLocks(database.db)) === 2, {
        describe: 'who confirms to wait',
      });
      return { forgetting, confirming };
    });
    await both.forgetting;
    expect(await both.confirming).toBeUndefined();
    expect(await rowsWith(email)).toEqual([]);
  });

  it('an import that is merging is waited for', async () => {
    const [contactId = 0] = await insertContacts(database.db, [{ email: 'merged@meanwhile.example' }]);
    const { importing, forgetting } = await database.db.transaction(async (tx) => {
      await tx.execute(sql`select from contact where id = ${contactId} for update`);
      const merging = importText('email,firstName\nmerged@meanwhile.example,Merged\n');
      await waitFor(async () => (await waitingForLocks(database.db)) === 1, {
        describe: 'the import to wait for the row',
      });
      const started = forgetContact(database.db, 'merged@meanwhile.example', { by });
      await waitFor(async () => (await waitingForLocks(database.db)) === 2, {
        describe: 'the merge to be waited for',
      });
      return { importing: merging, forgetting: started };
    });
    expect(await importing).toMatchObject({ updated: 1 });
    await forgetting;
    expect(await rowsWith('merged@meanwhile.example')).toEqual([]);
    expect(await membershipsOf(contactId)).toBe(0);
  });
});
