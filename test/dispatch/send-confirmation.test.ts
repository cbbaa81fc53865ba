import { randomBytes, randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { eq } from 'drizzle-orm';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createDispatchActivities } from '../../activities/dispatch.ts';
import { changeAddress } from '../../src/contacts/addresses/change-address.ts';
import {
  contact,
  contactList,
  globalOptOut,
  listOptOut,
  subscriptionRequest,
  suppression,
} from '../../src/db/schema.ts';
import type { DispatchHost } from '../../src/dispatch/dispatch-host.ts';
import { sendConfirmation } from '../../src/dispatch/send-confirmation.ts';
import { taskQueues } from '../../src/domain/names.ts';
import {
  confirmationMailHours,
  confirmationWorkflowId,
  unconfirmedDays,
} from '../../src/domain/subscription.ts';
import { createLogger } from '../../src/logging.ts';
import { packagePath } from '../../src/package-path.ts';
import { ConfirmationStarter } from '../../src/processing/confirmation-starter.ts';
import { startConfirmation } from '../../src/temporal/start-confirmation.ts';
import { openSubscriptionId } from '../../src/tracking/links/subscription-link.ts';
import { keys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { dispatchHost, type TestHost } from '../support/dispatch-host.ts';
import { type SmtpAnswer, type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();
const sender = { name: 'Fennel & Slate', address: 'news@bücher.example' };
let receiver: SmtpReceiver;
let testHost: TestHost;
let host: DispatchHost;
let answer: SmtpAnswer | undefined;
let listId = 0;
beforeAll(async () => {
  receiver = await startSmtpReceiver({ onRcpt: () => answer });
  testHost = dispatchHost(database.db, { smtpUrl: receiver.url });
  host = { ...testHost, sender };
  const [list] = await database.db
    .insert(contactList)
    .values({ name: 'autumn', title: 'Autumn <news>' })
    .returning();
  listId = list?.id ?? 0;
});
afterAll(async () => {
  testHost.close();
  await receiver.close();
});

let people = 0;
async function request(change: Partial<typeof subscriptionRequest.$inferInsert> = {}) {
  const id = randomUUID();
  const email = `person${++people}@example.org`;
  await database.db.insert(subscriptionRequest).values({
    id,
    listId,
    email,
    emailKey: email,
    firstName: 'Buy at evil.example',
    language: 'de',
    wording: 'Ich möchte „Autumn <news>“.',
    ...change,
  });
  return { id, email };
}
const aboutAddress = { purpose: 'new-address', listId: null } as const;
async function contactOf(change: Partial<typeof contact.$inferInsert> = {}) {
  const email = `contact${++people}@example.org`;
  const [row] = await database.db
    .insert(contact)
    .values({ email, emailKey: email, ...change })
    .returning();
  return { id: row?.id ?? 0, email };
}
const stored = async (id: string) =>
  (await database.db.select().from(subscriptionRequest).where(eq(subscriptionRequest.id, id)))[0];
const receivedBy = (email: string) => receiver.messages.filter(({ to }) => to.includes(email));

describe('the mail that asks to confirm', () => {
  test('has the link, the words agreed to, and nothing that somebody typed into the form', async () => {
    const { id, email } = await request();
    expect(await sendConfirmation(host, id)).toBe(true);
    expect((await stored(id))?.sentAt).toBeInstanceOf(Date);
    const [message] = receivedBy(email);
    const mail = await PostalMime.parse(message?.raw ?? '');
    expect(message?.raw.toString()).toContain('From: Fennel & Slate <news@xn--bcher-kva.example>\r\n');
    expect(mail.to).toMatchObject([{ name: '', address: email }]);
    expect(mail.subject).toBe('Bitte bestätigen: Autumn <news>');
    expect(mail.headers.find(({ key }) => key === 'auto-submitted')?.value).toBe('auto-generated');
    expect(mail.html).toContain('Ich möchte „Autumn &lt;news&gt;“.');
    const links = [...(mail.text ?? '').matchAll(/https?:\S+/g)].map(([link]) => link);
    expect(links).toHaveLength(1);
    expect(mail.html).toContain(`href="${links[0]}"`);
    expect(openSubscriptionId(links[0]?.split('/confirm/')[1] ?? '', keys)).toBe(id);
    expect(message?.raw.toString()).not.toMatch(/evil/);
    // RFC 5322 section 2.1.1, and 7-bit for every mail server.
    for (const line of message?.raw.toString('latin1').split('\r\n') ?? [])
      expect([line.length <= 998, /[^\0-\x7f]/.test(line)]).toEqual([true, false]);
  });

  test('is sent once, however often it is asked for', async () => {
    const { id, email } = await request();
    expect([await sendConfirmation(host, id), await sendConfirmation(host, id)]).toEqual([true, true]);
    expect(receivedBy(email)).toHaveLength(1);
    expect(await sendConfirmation(host, randomUUID())).toBe(false);
  });

  test('is not sent to who must not get it, and the request says why', async () => {
    const suppressed = await request();
    await database.db.insert(suppression).values({ emailKey: suppressed.email, reason: 'complaint' });
    const unwanted = await request();
    await database.db
      .insert(contact)
      .values({ email: unwanted.email, emailKey: unwanted.email, doNotMarket: true });
    const revoked = await request();
    await database.db
      .insert(contact)
      .values({ email: revoked.email, emailKey: revoked.email, consentRevoked: true });
    for (const [{ id, email }, failure] of [
      [suppressed, 'suppression-list'],
      [unwanted, 'do-not-market'],
      [revoked, 'consent-revoked'],
    ] as const) {
      expect(await sendConfirmation(host, id)).toBe(false);
      expect([(await stored(id))?.failure, receivedBy(email)]).toEqual([failure, []]);
    }
  });

  test('is tried again after "later", given up after "no", and neither quotes the address', async () => {
    const { id, email } = await request();
    answer = { code: 451, text: `4.7.1 <${email}> later` };
    const later = sendConfirmation(host, id);
    await expect(later).rejects.toMatchObject({ code: 'CONFIRMATION_UNSENT', retryable: true });
    await expect(later).rejects.toThrow(/later 451/);
    await expect(later).rejects.not.toThrow(email);
    expect((await stored(id))?.failure).toBeNull();
    answer = { code: 550, text: `5.1.1 <${email}> unknown` };
    expect(await sendConfirmation(host, id)).toBe(false);
    expect((await stored(id))?.failure).toBe('the mail server refused it 550');
    answer = undefined;
  });

  test('asks for another address in words of its own, and tells the one before', async () => {
    const person = await contactOf();
    const { id, email } = await request({ ...aboutAddress, contactId: person.id, language: 'en' });
    expect(await sendConfirmation(host, id)).toBe(true);
    const mail = await PostalMime.parse(receivedBy(email)[0]?.raw ?? '');
    expect([mail.subject, mail.text]).toEqual([
      'Please confirm your new address',
      expect.stringContaining('/confirm/'),
    ]);
    expect(mail.text).not.toContain(person.email);
    const before = await request({ ...aboutAddress, purpose: 'old-address', contactId: person.id });
    expect(await sendConfirmation(host, before.id)).toBe(true);
    const told = await PostalMime.parse(receivedBy(before.email)[0]?.raw ?? '');
    expect([told.subject, told.text]).toEqual([
      'Ihre Adresse wurde geändert',
      expect.stringContaining('Zurücknehmen: http'),
    ]);
  });

  test('goes to no address that must not get it, has mail already, or would get none', async () => {
    const { db } = database;
    const noes: [string, () => Promise<{ id: string; email: string }>][] = [
      [
        'suppression-list',
        async () => {
          const asked = await request({ ...aboutAddress, contactId: (await contactOf()).id });
          await db.insert(suppression).values({ emailKey: asked.email, reason: 'complaint' });
          return asked;
        },
      ],
      [
        'global-opt-out',
        async () => {
          const asked = await request({ ...aboutAddress, contactId: (await contactOf()).id });
          await db.insert(globalOptOut).values({ emailKey: asked.email, reason: 'by hand' });
          return asked;
        },
      ],
      [
        'former-address',
        async () => {
          const other = await contactOf();
          const asked = await request({ ...aboutAddress, contactId: (await contactOf()).id });
          await changeAddress(db, other.email, asked.email);
          await changeAddress(db, asked.email, `now-${other.email}`);
          await db.insert(listOptOut).values({ listId, emailKey: `now-${other.email}`, reason: 'left' });
          return asked;
        },
      ],
      [
        "another contact's address",
        async () => {
          const { email } = await contactOf();
          const { id } = await contactOf();
          return await request({ ...aboutAddress, contactId: id, email, emailKey: email });
        },
      ],
      [
        'the address is the same',
        async () => {
          const { id, email } = await contactOf();
          return await request({ ...aboutAddress, contactId: id, email, emailKey: email });
        },
      ],
      [
        'do-not-market',
        async () =>
          await request({ ...aboutAddress, contactId: (await contactOf({ doNotMarket: true })).id }),
      ],
      [
        'consent-revoked',
        async () =>
          await request({ ...aboutAddress, contactId: (await contactOf({ consentRevoked: true })).id }),
      ],
      ['the contact is gone', async () => await request({ ...aboutAddress, contactId: 999_999 })],
      [
        'a change was taken back',
        async () => {
          const { id, email } = await contactOf();
          await request({
            ...aboutAddress,
            purpose: 'old-address',
            contactId: id,
            email,
            emailKey: email,
            sentAt: new Date(),
            confirmedAt: new Date(),
          });
          return await request({ ...aboutAddress, contactId: id });
        },
      ],
      [
        'global-opt-out',
        // The one before: whoever has unsubscribed from everything since is told nothing either.
        async () => {
          const { id, email } = await contactOf();
          await db.insert(globalOptOut).values({ emailKey: email, reason: 'by hand' });
          return await request({ ...aboutAddress, purpose: 'old-address', contactId: id });
        },
      ],
    ];
    for (const [failure, ask] of noes) {
      const { id, email } = await ask();
      expect([failure, await sendConfirmation(host, id), (await stored(id))?.failure]).toEqual([
        failure,
        false,
        failure,
      ]);
      expect(receivedBy(email)).toEqual([]);
    }
  });

  test('tells the address before also where the new one says no once it has the mail: that may be a thief, who undoes it', async () => {
    const { id, email } = await contactOf();
    const before = await request({ ...aboutAddress, purpose: 'old-address', contactId: id });
    await database.db
      .insert(globalOptOut)
      .values({ emailKey: email, reason: 'unsubscribed', createdAt: new Date(Date.now() + 1_000) });
    expect(await sendConfirmation(host, before.id)).toBe(true);
    expect(receivedBy(before.email)).toHaveLength(1);
  });

  test('waits for a dispatcher that knows the sender', async () => {
    const { id } = await request();
    await expect(sendConfirmation({ ...host, sender: undefined }, id)).rejects.toMatchObject({
      code: 'CONFIRMATION_NO_SENDER',
      retryable: true,
    });
  });
});

describe('the processing role', () => {
  const log = createLogger('test');
  log.level = 'silent';

  test('has a dispatcher send each request, once, with no address in a history', async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    const address = inject('temporalAddress');
    const client = new Client({ connection: await Connection.connect({ address }) });
    const connection = await NativeConnection.connect({ address });
    const prefix = `test-${randomBytes(6).toString('hex')}`;
    const worker = await Worker.create({
      connection,
      taskQueue: taskQueues(prefix).dispatch('default'),
      workflowBundle: await bundleWorkflowCode({
        workflowsPath: packagePath('workflows/send-confirmation.ts'),
        logger: new DefaultLogger('ERROR'),
      }),
      activities: createDispatchActivities(host),
    });
    await database.db.delete(subscriptionRequest);
    const { id, email } = await request();
    const start = async (requestId: string) => await startConfirmation(client, prefix, requestId);
    // Two processors find the same request.
    const first = new ConfirmationStarter(database.db, start, log);
    const second = new ConfirmationStarter(database.db, start, log);
    expect([await first.run(), await second.run()]).toEqual([1, 1]);
    await worker.runUntil(async () => {
      await waitFor(async () => (await stored(id))?.sentAt !== null);
      const handle = client.workflow.getHandle(confirmationWorkflowId(id));
      expect(await handle.result()).toBe(true);
      expect(JSON.stringify(await handle.fetchHistory())).not.toContain(email);
    });
    expect(receivedBy(email)).toHaveLength(1);
    expect(await new ConfirmationStarter(database.db, start, log).run()).toBe(0);
    await start(id);
    await client.connection.close();
    await connection.close();
  });

  test('goes on where Temporal does not answer, and leaves alone what it has started', async () => {
    await database.db.delete(subscriptionRequest);
    await request();
    let isAway = true;
    const started: string[] = [];
    const starter = new ConfirmationStarter(
      database.db,
      async (id) => {
        if (isAway) throw new Error('away');
        started.push(id);
      },
      log,
    );
    expect(await starter.run(10_000)).toBe(0);
    isAway = false;
    expect([await starter.run(10_001), await starter.run(12_000), await starter.run(14_000)]).toEqual([
      0, 1, 0,
    ]);
    expect(await starter.run(400_000)).toBe(1);
    expect(started).toHaveLength(2);
  });

  test('gives up what could not be sent for a day, and removes what nobody confirmed', async () => {
    await database.db.delete(subscriptionRequest);
    const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);
    const old = await request({ createdAt: ago(confirmationMailHours + 1) });
    const young = await request({ createdAt: ago(confirmationMailHours - 1) });
    const ancient = ago(24 * (unconfirmedDays + 1));
    const unconfirmed = await request({ createdAt: ancient, sentAt: ancient });
    const proof = await request({ createdAt: ancient, sentAt: ancient, confirmedAt: ancient });
    const started: string[] = [];
    await new ConfirmationStarter(database.db, async (id) => void started.push(id), log).run();
    expect(started).toEqual([young.id]);
    expect((await stored(old.id))?.failure).toBe('not sent within 24 hours');
    expect([await stored(unconfirmed.id), (await stored(proof.id))?.id]).toEqual([undefined, proof.id]);
  });
});
