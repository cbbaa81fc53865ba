import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { cancelRemaining } from '../../src/dispatch/ledger/cancel-remaining.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, dispatchHost, queuedCampaign, type TestHost } from '../support/dispatch-host.ts';
import { type SmtpReceiver, type SmtpReceiverOptions, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();

const closers = useClosers();

async function start(name: string, people: number, options: SmtpReceiverOptions = {}) {
  const receiver = await startSmtpReceiver(options);
  closers.push(() => receiver.close());
  const addresses = Array.from({ length: people }, (_, index) => `${name}-${index + 1}@example.com`);
  const batch = await queuedCampaign(
    database.db,
    addresses.map((email) => ({ email })),
    { delivery: 'at-most-once' },
  );
  return { receiver, addresses, batch };
}

function startHost(receiver: SmtpReceiver, name: string): TestHost {
  const host = dispatchHost(database.db, { smtpUrl: receiver.url, name });
  closers.push(() => host.close());
  return host;
}

/** Who ended how, by kind: positions. */
async function books(campaignId: string): Promise<Record<string, number[]>> {
  const { rows } = await database.db.$client.query<{ kind: string; positions: number[] }>(
    `select coalesce(o.kind, 'open') as kind, array_agg(q.position order by q.position) as positions
       from dispatch_queue q
       left join dispatch_outcome o on o.campaign_id = q.campaign_id and o.position = q.position
      where q.campaign_id = $1 group by 1`,
    [campaignId],
  );
  return Object.fromEntries(rows.map(({ kind, positions }) => [kind, positions]));
}

const received = (receiver: SmtpReceiver) => receiver.messages.flatMap(({ to }) => to);
const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('a campaign that mails nobody twice', () => {
  it('sends to everybody where nothing happens, and leaves nothing announced', async () => {
    const { receiver, addresses, batch } = await start('calm', 50);
    expect(await attempt(startHost(receiver, 'd1'), batch)).toMatchObject({
      counts: { sent: 50, inDoubt: 0 },
    });
    expect(received(receiver).sort()).toEqual([...addresses].sort());
    const { rows } = await database.db.$client.query(
      'select announced_first from dispatch_batch where campaign_id = $1',
      [batch.campaignId],
    );
    expect(rows).toEqual([{ announced_first: null }]);
  });

  it('leaves in doubt the group of a dispatcher that is gone, and sends to all others once', async () => {
    const { receiver, batch } = await start('gone', 50);
    const gone = startHost(receiver, 'gone');
    receiver.hold();
    const sending = attempt(gone, batch);
    sending.catch(() => undefined);
    await waitFor(() => receiver.held === 1, { describe: 'the first message to be on the wire' });
    // It never hears of anything again, and nobody of it.
    gone.recorder.stop();
    receiver.release();
    const heir = startHost(receiver, 'heir');
    expect(await attempt(heir, batch, 2)).toMatchObject({ counts: { sent: 30, inDoubt: 20 } });
    expect(await books(batch.campaignId)).toEqual({ in_doubt: range(1, 20), sent: range(21, 50) });
    expect(new Set(received(receiver)).size).toBe(received(receiver).length);
    const { rows } = await database.db.$client.query(
      `select distinct server, reason from dispatch_outcome where campaign_id = $1 and kind = 'in_doubt'`,
      [batch.campaignId],
    );
    expect(rows).toEqual([{ server: 'gone', reason: expect.stringContaining('may have been on its way') }]);
  });

  it('leaves in doubt, not cancelled, whom a dispatcher that is gone may have mailed', async () => {
    const { receiver, batch } = await start('cancelled', 30);
    const gone = startHost(receiver, 'gone');
    receiver.hold();
    attempt(gone, batch).catch(() => undefined);
    await waitFor(() => receiver.held === 1, { describe: 'the first message to be on the wire' });
    gone.recorder.stop();
    await cancelRemaining(database.db, batch.campaignId);
    expect(await books(batch.campaignId)).toEqual({ in_doubt: range(1, 20), cancelled: range(21, 30) });
  });

  it('repeats nobody where the connection breaks before the answer, and says who is in doubt', async () => {
    const { receiver, batch } = await start('breaks', 10, {
      onData: (message) => {
        if (message.to[0] === 'breaks-4@example.com') receiver.cutConnections();
        return undefined;
      },
    });
    expect(await attempt(startHost(receiver, 'd1'), batch)).toMatchObject({
      counts: { sent: 9, inDoubt: 1 },
    });
    expect(await books(batch.campaignId)).toMatchObject({ in_doubt: [4] });
    expect(received(receiver)).toHaveLength(10);
  });

  it('stops after a few where the mail server breaks every connection: not all of them come to be in doubt', async () => {
    const { receiver, batch } = await start('ill', 200, {
      onData: () => {
        receiver.cutConnections();
        return undefined;
      },
    });
    await expect(attempt(startHost(receiver, 'd1'), batch)).rejects.toMatchObject({
      code: 'MTA_UNREACHABLE',
    });
    const { in_doubt: inDoubt = [], open = [] } = await books(batch.campaignId);
    expect(inDoubt.length).toBeLessThanOrEqual(6);
    expect(inDoubt.length + open.length).toBe(200);
  });

  it('sends later to whom the mail server put off: they are not in doubt', async () => {
    const { receiver, batch } = await start('put-off', 30, {
      onRcpt: (address) => (address === 'put-off-3@example.com' ? { code: 451 } : undefined),
    });
    const gone = startHost(receiver, 'gone');
    receiver.hold();
    attempt(gone, batch).catch(() => undefined);
    await waitFor(() => receiver.held === 1, { describe: 'the first message to be on the wire' });
    receiver.release();
    await receiver.waitFor(2);
    await waitFor(async () => (await books(batch.campaignId))['sent']?.length === 29);
    expect(await books(batch.campaignId)).toMatchObject({ open: [3] });
    const { rows } = await database.db.$client.query(
      'select position from dispatch_deferral where campaign_id = $1',
      [batch.campaignId],
    );
    expect(rows).toEqual([{ position: 3 }]);
  });

  it('comes to its end where announcing takes longer than what was read counts as fresh', async () => {
    const { receiver, batch } = await start('slow-books', 3);
    const host = startHost(receiver, 'd1');
    const announce = host.recorder.announce.bind(host.recorder);
    let announced = 0;
    host.recorder.announce = async (...group) => {
      if (++announced > 6) throw new Error('it is announced again and again');
      const isDone = await announce(...group);
      await delay(1_100);
      return isDone;
    };
    expect(await attempt(host, batch)).toMatchObject({ counts: { sent: 3, inDoubt: 0 } });
  });

  it('hands back what it was told to leave, with nobody in doubt', async () => {
    const { receiver, batch } = await start('paused', 50);
    const host = startHost(receiver, 'd1');
    receiver.hold();
    const sending = attempt(host, batch);
    await waitFor(() => receiver.held === 1, { describe: 'the first message to be on the wire' });
    host.recorder.drain();
    receiver.release();
    expect(await sending).toMatchObject({ counts: { sent: 1, inDoubt: 0 }, rest: { first: 2, last: 50 } });
    const heir = startHost(receiver, 'heir');
    const rest = { ...batch, batch: 2, range: { first: 2, last: 50 } };
    expect(await attempt(heir, rest)).toMatchObject({ counts: { sent: 49, inDoubt: 0 } });
  });
});

describe('a batch that another attempt wants', () => {
  it('is handed back by a holder that lives, with the message on the wire: nobody is sent to twice', async () => {
    const receiver = await startSmtpReceiver();
    closers.push(() => receiver.close());
    const people = Array.from({ length: 30 }, (_, index) => ({ email: `wanted-${index + 1}@example.com` }));
    const batch = await queuedCampaign(database.db, people);
    await database.db.$client.query(
      `insert into server (name, role, host, pid) values ('holder', 'dedicated-dispatch', 'h', 1)`,
    );
    const holder = startHost(receiver, 'holder');
    const heir = startHost(receiver, 'heir');
    receiver.hold();
    const first = attempt(holder, batch);
    await waitFor(() => receiver.held === 1, { describe: 'the first message to be on the wire' });
    const second = attempt(heir, batch, 2);
    await waitFor(() => holder.recorder.taken[0]?.word === 'drain', { describe: 'the holder to hear it' });
    receiver.release();
    expect(await first).toMatchObject({ counts: { sent: 1 }, stopped: 'draining' });
    expect(await second).toMatchObject({ counts: { sent: 30 } });
    expect(received(receiver)).toHaveLength(30);
  });
});
