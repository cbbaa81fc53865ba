import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { eq, sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  contact,
  contactList,
  eventInbox,
  feedback,
  globalOptOut,
  listOptOut,
  subscriptionRequest,
} from '../../src/db/schema.ts';
import { processFeedback } from '../../src/feedback/process-feedback.ts';
import { PutOff } from '../../src/feedback/put-off.ts';
import { type ReceivedMessage, storeFeedback } from '../../src/feedback/receiving/store-feedback.ts';
import { packagePath } from '../../src/package-path.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { keys, otherKeys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';
import { bounceDomain, bounceMessage, complaintMessage, judging, queuedFor } from './fixtures.ts';

const database = useTestDatabase();

beforeEach(async () => {
  await database.db.execute(
    sql`truncate feedback, event_inbox, interaction, suppression, global_opt_out restart identity`,
  );
});

const store = async (envelopeTo: string, raw: Buffer, change: Partial<ReceivedMessage> = {}) =>
  await storeFeedback(database.db, { source: 'smtp', envelopeFrom: '', envelopeTo, raw, ...change });

async function drain(options = judging): Promise<void> {
  while ((await processFeedback(database.db, 100, options)).processed > 0);
}

const rows = async () => await database.db.select().from(feedback).orderBy(feedback.id);
const events = async () =>
  (await database.db.select().from(eventInbox).orderBy(eventInbox.id)).map(
    ({ type, campaignId, position, contactId, detail }) => ({
      type,
      campaignId,
      position,
      contactId,
      detail,
    }),
  );

describe('a bounce that came back', () => {
  it('is an event about the message whose address it came to, and is kept no longer', async () => {
    const { of } = await queuedFor(database.db, 2);
    await store(of(2).bounce.toUpperCase(), bounceMessage(), { envelopeFrom: 'postmaster@mx.example.net' });
    await drain();
    const { campaignId, position, contactId } = of(2);
    const detail = { class: 'hard', status: '5.1.1', text: '550 5.1.1 no such user', by: 'notification' };
    expect(await events()).toEqual([{ type: 'Bounce', campaignId, position, contactId, detail }]);
    expect(await rows()).toMatchObject([
      { state: 'understood', raw: null, envelopeFrom: '', verdict: `hard bounce 5.1.1: ${campaignId}, 2` },
    ]);
  });

  it('is about the message whose Message-ID or token it quotes, where it came to another address', async () => {
    const { of } = await queuedFor(database.db, 3);
    await store('', bounceMessage({ messageId: of(1).messageId }));
    const listUnsubscribe = `<https://mail.example.com/u/${of(2).token}>`;
    await store('', complaintMessage({ messageId: '<other@x>', listUnsubscribe }));
    await drain();
    expect(await events()).toMatchObject([
      { type: 'Bounce', position: 1, contactId: of(1).contactId },
      { type: 'SpamComplaint', position: 2, contactId: of(2).contactId, detail: { text: 'abuse' } },
    ]);
  });

  it('counts with earlier keys, and not with those of others', async () => {
    const { of } = await queuedFor(database.db, 1);
    await store(of(1).bounce, bounceMessage());
    await drain({ keys: { ...otherKeys, earlier: [] } });
    expect(await events()).toEqual([]);
    await database.db.update(feedback).set({ state: 'new' });
    await drain({ keys: { ...otherKeys, earlier: [keys] } });
    expect(await events()).toHaveLength(1);
  });

  it.each([
    ['names a recipient alone', {}],
    ['has a forged mark in its Message-ID', { messageId: `<autumn-1.1.${'0'.repeat(24)}@example.com>` }],
    ['has a forged token', { listUnsubscribe: `<https://mail.example.com/u/${'A'.repeat(60)}>` }],
  ])('that %s is kept, and nobody is believed to have bounced', async (_, quoted) => {
    const { of } = await queuedFor(database.db, 1);
    await store(
      `b-1-1-${'0'.repeat(24)}@${bounceDomain}`,
      bounceMessage({ ...quoted, recipient: of(1).email }),
    );
    await drain();
    expect(await events()).toEqual([]);
    const [row] = await rows();
    expect(row).toMatchObject({ state: 'unclear' });
    expect(row?.raw).not.toBeNull();
    expect(row?.verdict).not.toContain('@example.org');
  });

  it('of a test message counts nothing', async () => {
    const { of } = await queuedFor(database.db, 1);
    await store(of(0).bounce, bounceMessage());
    await drain();
    expect(await events()).toEqual([]);
    expect(await rows()).toMatchObject([{ state: 'understood' }]);
  });

  it('is stored once, however often it is brought, and twice for two recipients', async () => {
    const { of } = await queuedFor(database.db, 2);
    expect(await store(of(1).bounce, bounceMessage())).toBe(true);
    expect(await store(of(1).bounce, bounceMessage())).toBe(false);
    expect(await store(of(2).bounce, bounceMessage())).toBe(true);
    expect(await rows()).toHaveLength(2);
  });
});

describe('what cannot be read', () => {
  it('is kept with the reason, and holds up nobody', async () => {
    const { of } = await queuedFor(database.db, 1);
    await store(of(1).bounce, Buffer.from('hello\0\x01\xff', 'latin1'));
    await store(of(1).bounce, Buffer.alloc(0));
    await store(of(1).bounce, bounceMessage({ diagnostic: 'x\0y \ud800' }));
    await drain();
    expect((await rows()).map(({ state }) => state)).toEqual(['unclear', 'unclear', 'understood']);
    while ((await processEvents(database.db, 100)).processed > 0);
  });
});

describe('what the database refuses for good', () => {
  it('waits for a person, and holds up nobody', async () => {
    const { of } = await queuedFor(database.db, 2);
    await store(of(1).bounce, bounceMessage());
    await store(of(2).bounce, bounceMessage());
    const only = 'alter table event_inbox add constraint refuses check (position <> 1) not valid';
    await database.db.execute(sql.raw(only));
    await drain();
    await database.db.execute(sql`alter table event_inbox drop constraint refuses`);
    expect((await rows()).map(({ state }) => state)).toEqual(['unclear', 'understood']);
    expect(await events()).toMatchObject([{ position: 2 }]);
  });
});

describe('a mail to an unsubscribe address', () => {
  it('takes its recipient off all mail, whatever it says, and only with the right mark', async () => {
    const { of } = await queuedFor(database.db, 2);
    await store(of(1).unsubscribe, Buffer.from('From: x@y.example\r\n\r\nSPAM!!'));
    await store(
      of(2).unsubscribe.replace(/-[0-9a-f]{24}/, `-${'0'.repeat(24)}`),
      Buffer.from('a: b\r\n\r\n'),
    );
    await drain();
    const optedOut = await database.db.select().from(globalOptOut);
    expect(optedOut.map(({ emailKey }) => emailKey)).toEqual([of(1).email]);
    expect(await rows()).toMatchObject([{ state: 'understood', raw: null }, { state: 'unclear' }]);
    expect(await events()).toMatchObject([{ type: 'UnsubscribedFromEmail', position: 1 }]);
  });
});

describe('who knows the Message-ID of a message, as from a reply to it,', () => {
  it('can write to no address of it', async () => {
    const { of } = await queuedFor(database.db, 1);
    const { bounce, unsubscribe, messageId } = of(1);
    const mark = /([0-9a-f]{24})@/.exec(messageId)?.[1] ?? '';
    for (const address of [bounce, unsubscribe])
      await store(address.replace(/[0-9a-f]{24}/, mark), Buffer.from('Subject: x\r\n\r\n'));
    await drain();
    expect((await rows()).map(({ state }) => state)).toEqual(['unclear', 'unclear']);
    expect(await database.db.$count(globalOptOut)).toBe(0);
  });
});

describe('a mail to an unsubscribe address that is read late', () => {
  it('takes nobody off a list that they have subscribed to since', async () => {
    const { of } = await queuedFor(database.db, 1);
    const lists = await database.db
      .insert(contactList)
      .values([{ name: 'subscribed-since' }, { name: 'another' }])
      .returning();
    await store(of(1).unsubscribe, Buffer.from('a: b\r\n\r\n'));
    const [{ email }, since, another] = [of(1), lists[0]?.id ?? 0, lists[1]?.id ?? 0];
    await database.db.insert(subscriptionRequest).values({
      id: 'since',
      listId: since,
      email,
      emailKey: email,
      confirmedAt: new Date(Date.now() + 1_000),
    });
    await drain();
    expect(await database.db.$count(globalOptOut)).toBe(0);
    const left = await database.db.select().from(listOptOut).where(eq(listOptOut.emailKey, email));
    expect(left.map(({ listId }) => listId)).toContain(another);
    expect(left.map(({ listId }) => listId)).not.toContain(since);
  });
});

describe('a contact whose row somebody has locked', () => {
  it('holds up nobody else, and comes later', async () => {
    const { of } = await queuedFor(database.db, 3);
    for (const position of [1, 2, 3]) await store(of(position).unsubscribe, Buffer.from('a: b\r\n\r\n'));
    const putOff = new PutOff();
    const states = async () => (await rows()).map(({ state }) => state);
    await database.db.transaction(async (tx) => {
      await tx
        .select()
        .from(contact)
        .where(eq(contact.emailKey, of(1).email))
        .for('update');
      await waitFor(async () => {
        await processFeedback(database.db, 100, judging, putOff);
        return (await states()).includes('understood');
      });
      expect(await states()).toEqual(['new', 'understood', 'understood']);
    });
    await drain();
    expect(await states()).toEqual(['understood', 'understood', 'understood']);
    expect(await database.db.$count(globalOptOut)).toBe(3);
  });
});

describe('any number of processors', () => {
  it('enter each once, though one is killed in the middle', async () => {
    const { id, of } = await queuedFor(database.db, 300);
    for (let position = 1; position <= 300; position++) await store(of(position).bounce, bounceMessage());
    const module = (path: string) => JSON.stringify(pathToFileURL(packagePath(`dist/src/${path}.js`)).href);
    const source = `
      import { connectDatabase } from ${module('db/connect')};
      import { processFeedback } from ${module('feedback/process-feedback')};
      const buffers = (one) => Buffer.from(one, 'hex');
      const keys = { cryptographic: buffers('${keys.cryptographic.toString('hex')}'),
                     authentication: buffers('${keys.authentication.toString('hex')}') };
      const db = connectDatabase(process.env.DATABASE_URL, { applicationName: 'killed' });
      for (;;) {
        await processFeedback(db, 7, { keys });
        console.log('.');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      env: { ...process.env, DATABASE_URL: database.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await Promise.all([drain(), drain(), waitFor(() => child.kill('SIGKILL'))]);
    await waitFor(async () => {
      await drain();
      return (await rows()).every(({ state }) => state === 'understood');
    });
    const entered = (await events()).map(({ position }) => position).sort((a, b) => a - b);
    expect(entered).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    while ((await processEvents(database.db, 1_000)).processed > 0);
    const people = await database.db.select().from(contact).where(eq(contact.bounceCount, 6));
    expect(people.filter(({ email }) => email.includes(id))).toHaveLength(300);
  });
});
