import { setTimeout as delay } from 'node:timers/promises';
import type { QueryConfig } from 'pg';
import { describe, expect, it } from 'vitest';
import { changeAddress } from '../../src/contacts/addresses/change-address.ts';
import { optOut } from '../../src/contacts/consent/opt-out.ts';
import { startBluntMailServer } from '../support/blunt-mail-server.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, booksByAddress, dispatchHost, queuedCampaign } from '../support/dispatch-host.ts';
import { type SmtpReceiver, type SmtpReceiverOptions, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();

const closers = useClosers();

/** Contacts of this test alone: `name-1@example.com` and so on. */
const people = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ email: `${name}-${index + 1}@example.com` }));

function startHost(options: Parameters<typeof dispatchHost>[1]) {
  const host = dispatchHost(database.db, options);
  closers.push(() => host.close());
  return host;
}

async function startReceiver(options: SmtpReceiverOptions = {}): Promise<SmtpReceiver> {
  const receiver = await startSmtpReceiver(options);
  closers.push(() => receiver.close());
  return receiver;
}

const books = async (campaignId: string) => await booksByAddress(database.db, campaignId);

describe('a batch', () => {
  it.each([
    {
      name: 'refused',
      farewell: '550 5.7.1 not for you',
      kind: 'failed',
      counts: { sent: 4, failed: 1 },
      deferred: 0,
    },
    {
      name: 'put-off',
      farewell: '451 4.7.1 come back later',
      kind: 'deferred',
      counts: { sent: 4, failed: 0 },
      deferred: 1,
    },
  ])('goes on over a new connection where the server hangs up with $farewell', async (expected) => {
    const batch = await queuedCampaign(database.db, people(expected.name, 5));
    const disliked = `${expected.name}-2@example.com`;
    const server = await startBluntMailServer({
      at: (stage, address) =>
        stage === 'RCPT' && address === disliked ? { says: expected.farewell, hangsUp: true } : undefined,
    });
    closers.push(() => server.close());
    const result = await attempt(startHost({ smtpUrl: server.url }), batch);
    expect(result).toMatchObject({ counts: expected.counts, deferred: expected.deferred });
    expect((await books(batch.campaignId))[disliked]).toMatchObject({
      kind: expected.kind,
      reply: expected.farewell,
    });
    expect(server.accepted).toHaveLength(4);
    expect(server.connections).toBe(2);
  });

  it('fails only the recipient whose message is larger than the server takes', async () => {
    const [first = { email: '' }, ...others] = people('size', 4);
    const batch = await queuedCampaign(
      database.db,
      [...others.slice(0, 1), { ...first, firstName: 'x'.repeat(50_000) }, ...others.slice(1)],
      { html: '<html><body><p>Hello {{ contact.firstName }}</p></body></html>' },
    );
    const receiver = await startReceiver({ server: { size: 40_000 } });
    const result = await attempt(startHost({ smtpUrl: receiver.url }), batch);
    expect(result.counts).toMatchObject({ sent: 3, failed: 1 });
    const { kind, reason, reply } = (await books(batch.campaignId))[first.email] ?? {};
    expect(kind).toBe('failed');
    expect(`${reason} ${reply}`).toMatch(/size|large/i);
    expect(receiver.messages).toHaveLength(3);
  });

  it('puts off the recipient whose message breaks the connection, after two copies at the most', async () => {
    const batch = await queuedCampaign(database.db, people('breaks', 5));
    let copies = 0;
    const receiver: SmtpReceiver = await startReceiver({
      onData: (message) => {
        if (message.to[0] !== 'breaks-3@example.com') return undefined;
        copies++;
        receiver.cutConnections();
        return undefined;
      },
    });
    const result = await attempt(startHost({ smtpUrl: receiver.url }), batch);
    expect(result).toMatchObject({ counts: { sent: 4, failed: 0 }, deferred: 1 });
    expect(copies).toBeLessThanOrEqual(2);
    expect((await books(batch.campaignId))['breaks-3@example.com']).toMatchObject({ kind: 'deferred' });
  });

  it('of a real campaign is really sent after one of an emulated campaign on the same dispatcher', async () => {
    const receiver = await startReceiver();
    const host = startHost({ smtpUrl: receiver.url });
    const emulated = await queuedCampaign(database.db, people('emulated', 3), {
      emulation: { minimumMs: 0, maximumMs: 0, failureProbability: 0 },
    });
    expect(await attempt(host, emulated)).toMatchObject({ counts: { sent: 3 } });
    expect(receiver.messages).toHaveLength(0);
    const real = await queuedCampaign(database.db, people('real', 3));
    expect(await attempt(host, real)).toMatchObject({ counts: { sent: 3 } });
    expect(receiver.messages).toHaveLength(3);
  });

  it('comes to its end where a step of the installation takes longer than what was read counts as fresh', async () => {
    const receiver = await startReceiver();
    const [first = { email: '' }, second = { email: '' }] = people('slow-step', 2);
    const batch = await queuedCampaign(database.db, [first, second]);
    let calls = 0;
    const host = startHost({
      smtpUrl: receiver.url,
      processors: {
        LookUp: async ({ recipient }) => {
          if (++calls > 4) throw new Error('it is called again and again');
          if (recipient.email === second.email) await optOut(database.db, second.email);
          await delay(1_100);
        },
      },
    });
    const sendEmail = ['FillEmail', 'LookUp', 'SendEmail', 'EmailSent'];
    expect(await attempt(host, { ...batch, sendEmail })).toMatchObject({ counts: { sent: 1, skipped: 1 } });
    expect(receiver.messages.flatMap(({ to }) => to)).toEqual([first.email]);
  });

  it('hears who has said "no" while its process was frozen as it read them', async () => {
    const receiver = await startReceiver();
    const batch = await queuedCampaign(database.db, people('frozen', 3));
    const host = startHost({ smtpUrl: receiver.url });
    let isFrozen = false;
    const client: typeof host.db.$client = Object.create(host.db.$client, {
      query: {
        value: async (query: QueryConfig) => {
          const answer = await host.db.$client.query(query);
          if (isFrozen) return answer;
          isFrozen = true;
          await optOut(database.db, 'frozen-1@example.com');
          await delay(3_500);
          return answer;
        },
      },
    });
    const db: typeof host.db = Object.create(host.db, { $client: { value: client } });
    expect(await attempt({ ...host, db }, batch)).toMatchObject({ counts: { sent: 2, skipped: 1 } });
    expect(receiver.messages).toHaveLength(2);
  });

  it('has in doubt, and not left out, who says "no" after a message that was handed over and not answered', async () => {
    let isCut = false;
    const receiver = await startReceiver({
      onData: async ({ to }) => {
        if (isCut || to[0] !== 'unanswered-1@example.com') return undefined;
        isCut = true;
        await optOut(database.db, 'unanswered-1@example.com');
        // So long that what was read of them is not fresh any more.
        await delay(3_500);
        receiver.cutConnections();
        return undefined;
      },
    });
    const batch = await queuedCampaign(database.db, people('unanswered', 2));
    expect(await attempt(startHost({ smtpUrl: receiver.url }), batch)).toMatchObject({
      counts: { sent: 1, skipped: 0, inDoubt: 1 },
    });
    expect((await books(batch.campaignId))['unanswered-1@example.com']).toMatchObject({ kind: 'in_doubt' });
  });

  describe('that waits for a connection', () => {
    /** A dispatcher that has taken the batch and gets no connection until `connect`. */
    async function waiting(name: string, overruled: readonly string[] = []) {
      const batch = await queuedCampaign(database.db, people(name, 3));
      await database.db.$client.query('update campaign set overruled = $2 where id = $1', [
        batch.campaignId,
        JSON.stringify(overruled),
      ]);
      const receiver = await startReceiver();
      let isAsked = false;
      let connect: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        connect = resolve;
      });
      const host = startHost({
        smtpUrl: receiver.url,
        beforeConnecting: async () => {
          isAsked = true;
          await gate;
        },
      });
      const sending = attempt(host, batch);
      sending.catch(() => undefined);
      await waitFor(() => isAsked, { describe: 'the batch to want a connection' });
      const heard = async (word: string) =>
        await waitFor(() => host.recorder.taken[0]?.word === word, {
          describe: `the word ${word} to be heard`,
        });
      return { batch, receiver, host, sending, connect, heard };
    }

    it('hands nothing over when it was paused meanwhile', async () => {
      const { batch, receiver, sending, connect, heard } = await waiting('pause');
      await database.db.$client.query(`update campaign set word = 'pause' where id = $1`, [batch.campaignId]);
      await heard('pause');
      connect();
      expect(await sending).toMatchObject({ stopped: 'paused', rest: { first: 1, last: 3 } });
      expect(receiver.messages).toHaveLength(0);
    });

    it('leaves out whoever has opted out meanwhile', async () => {
      const { batch, receiver, sending, connect } = await waiting('opt-out');
      await optOut(database.db, 'opt-out-1@example.com');
      // What was read of a recipient counts as fresh for a second.
      await delay(1_100);
      connect();
      expect(await sending).toMatchObject({ counts: { sent: 2, skipped: 1 } });
      expect(receiver.messages).toHaveLength(2);
      expect((await books(batch.campaignId))['opt-out-1@example.com']).toMatchObject({ kind: 'skipped' });
    });

    it('sends to the address that somebody has by now, and nothing to the one before', async () => {
      const { receiver, sending, connect } = await waiting('moved');
      await changeAddress(database.db, 'moved-1@example.com', 'moved-on@example.com');
      await delay(1_100);
      connect();
      expect(await sending).toMatchObject({ counts: { sent: 3 } });
      expect(receiver.messages.flatMap(({ to }) => to).sort()).toEqual([
        'moved-2@example.com',
        'moved-3@example.com',
        'moved-on@example.com',
      ]);
    });

    it('sends nothing to somebody who has left their address, and has said no by it since', async () => {
      const { receiver, sending, connect } = await waiting('left');
      await changeAddress(database.db, 'left-1@example.com', 'left-for@example.com');
      await optOut(database.db, 'left-1@example.com');
      await delay(1_100);
      connect();
      expect(await sending).toMatchObject({ counts: { sent: 2, skipped: 1 } });
      expect(receiver.messages.flatMap(({ to }) => to).sort()).toEqual([
        'left-2@example.com',
        'left-3@example.com',
      ]);
    });

    it('overrules for whoever waited what the DispatchManager overruled for all', async () => {
      const { batch, sending, connect } = await waiting('overruled', ['undelivered-maximum']);
      await database.db.$client.query(`update contact set bounce_count = 100 where email like 'overruled-%'`);
      await delay(1_100);
      connect();
      expect(await sending).toMatchObject({ counts: { sent: 3, skipped: 0 } });
      expect((await books(batch.campaignId))['overruled-1@example.com']).toMatchObject({ kind: 'sent' });
    });

    it('hands nothing over when its process is to stop', async () => {
      const { receiver, host, sending, connect } = await waiting('drain');
      host.recorder.drain();
      connect();
      expect(await sending).toMatchObject({ stopped: 'draining', rest: { first: 1, last: 3 } });
      expect(receiver.messages).toHaveLength(0);
    });

    it('hands nothing over when others have taken it', async () => {
      const { batch, receiver, sending, connect, heard } = await waiting('lost');
      await database.db.$client.query('update dispatch_batch set lease = lease + 1 where campaign_id = $1', [
        batch.campaignId,
      ]);
      await heard('lost');
      connect();
      await expect(sending).rejects.toMatchObject({ code: 'LEASE_LOST' });
      expect(receiver.messages).toHaveLength(0);
      expect(Object.values(await books(batch.campaignId)).map(({ kind }) => kind)).toEqual([
        'open',
        'open',
        'open',
      ]);
    });
  });
});
