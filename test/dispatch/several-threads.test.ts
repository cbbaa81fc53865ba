import { setTimeout as delay } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { describe, expect, it, vi } from 'vitest';
import { campaign } from '../../src/db/schema.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, booksByAddress, dispatchHost, queuedCampaign } from '../support/dispatch-host.ts';
import { type SmtpReceiver, type SmtpReceiverOptions, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();

const closers = useClosers();

/** A campaign of so many, a mail server, and a dispatcher with so many threads. */
async function start(
  name: string,
  people: number,
  threads: number,
  options: { receiver?: SmtpReceiverOptions; delivery?: 'at-most-once' } = {},
) {
  const receiver = await startSmtpReceiver(options.receiver);
  closers.push(() => receiver.close());
  const batch = await queuedCampaign(
    database.db,
    Array.from({ length: people }, (_, index) => ({ email: `${name}-${index + 1}@example.com` })),
    options.delivery === undefined ? {} : { delivery: options.delivery },
  );
  const host = startHost(receiver, name, threads);
  return { receiver, batch, host };
}

function startHost(receiver: SmtpReceiver, name: string, threads: number) {
  const host = dispatchHost(database.db, { smtpUrl: receiver.url, name, threads });
  closers.push(() => host.close());
  return host;
}

const received = (receiver: SmtpReceiver) => receiver.messages.flatMap(({ to }) => to);

async function kinds(campaignId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { kind } of Object.values(await booksByAddress(database.db, campaignId)))
    counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe('a batch on a dispatcher with several threads', () => {
  it('is sent to everybody once, as many messages at a time as there are threads', async () => {
    const { receiver, batch, host } = await start('all', 300, 4);
    receiver.hold();
    const sending = attempt(host, batch);
    await waitFor(() => receiver.held === 4, { describe: 'each thread to have a message on the wire' });
    expect(receiver.connections).toBe(4);
    receiver.release();
    expect(await sending).toMatchObject({ counts: { sent: 300 } });
    expect(new Set(received(receiver)).size).toBe(300);
    expect(receiver.messages).toHaveLength(300);
  });

  it('that is paused ends every message that is out, and hands back all others', async () => {
    const { receiver, batch, host } = await start('paused', 400, 4);
    const sending = attempt(host, batch);
    await receiver.waitFor(40);
    receiver.hold();
    await waitFor(() => receiver.held === 4, { describe: 'each thread to have a message on the wire' });
    await database.db.update(campaign).set({ word: 'pause' }).where(eq(campaign.id, batch.campaignId));
    await waitFor(() => host.recorder.taken.every(({ word }) => word === 'pause'), {
      describe: 'the batch to hear of the pause',
    });
    receiver.release();
    const { counts, rest, stopped } = await sending;
    expect(stopped).toBe('paused');
    expect(counts.sent).toBe(receiver.messages.length);
    expect(rest?.last).toBe(400);
    expect(400 - (rest?.first ?? 0) + 1).toBeGreaterThanOrEqual(400 - counts.sent);

    await database.db.update(campaign).set({ word: 'go' }).where(eq(campaign.id, batch.campaignId));
    const resumed = { ...batch, batch: 2, range: rest ?? batch.range };
    await attempt(startHost(receiver, 'paused-2', 3), resumed);
    expect(await kinds(batch.campaignId)).toEqual({ sent: 400 });
    expect(receiver.messages).toHaveLength(400);
  });

  it('shares them with the other batch of its process', async () => {
    const { receiver, batch, host } = await start('shared', 60, 1);
    const [first, second] = [
      { ...batch, range: { first: 1, last: 30 } },
      { ...batch, batch: 2, range: { first: 31, last: 60 } },
    ];
    const results = await Promise.all([attempt(host, first), attempt(host, second)]);
    expect(results).toMatchObject([{ counts: { sent: 30 } }, { counts: { sent: 30 } }]);
    expect(receiver.messages).toHaveLength(60);
    expect(receiver.connections).toBe(1);
  });

  it('goes on with the connections it gets where the mail server gives no more', async () => {
    const { receiver, batch, host } = await start('limited', 200, 3, {
      receiver: { server: { maxClients: 1 } },
    });
    expect(await attempt(host, batch)).toMatchObject({ counts: { sent: 200 } });
    expect(new Set(received(receiver)).size).toBe(200);
    expect(receiver.messages).toHaveLength(200);
  });

  it('that fails ends what its threads have on the wire, and has it in the books', async () => {
    const { receiver, batch, host } = await start('fails', 200, 4);
    await database.db.update(campaign).set({ word: 'go' }).where(eq(campaign.id, batch.campaignId));
    let sent = 0;
    const failing = dispatchHost(database.db, {
      smtpUrl: receiver.url,
      name: 'fails-2',
      threads: 4,
      processors: {
        Fails: async () => {
          if (++sent === 50) throw new Error('the fiftieth is too many');
          await delay(1);
        },
      },
    });
    closers.push(() => failing.close());
    const sendEmail = ['FillEmail', 'SendEmail', 'EmailSent', 'Fails'];
    await expect(attempt(failing, { ...batch, sendEmail })).rejects.toMatchObject({
      code: 'PROCESSOR_FAILED',
    });
    expect(await kinds(batch.campaignId)).toMatchObject({ sent: receiver.messages.length });
    expect(receiver.messages.length).toBeLessThan(60);
    expect(await attempt(host, batch, 2)).toMatchObject({ counts: { sent: 200 } });
    expect(receiver.messages).toHaveLength(200);
  });

  it('leaves in doubt, where nobody may be mailed twice, the group of all its threads when it is gone', async () => {
    // Held in the middle of a group: of one that is nearly out not every thread has a message any more.
    let taken = 0;
    const onData = (): undefined => {
      taken++;
      if (taken === 70) receiver.hold();
      return undefined;
    };
    const { receiver, batch, host } = await start('doubt', 200, 3, {
      delivery: 'at-most-once',
      receiver: { onData },
    });
    const sending = attempt(host, batch);
    sending.catch(() => undefined);
    await waitFor(() => receiver.held === 3, { describe: 'each thread to have a message on the wire' });
    host.recorder.stop();
    receiver.release();
    await waitFor(() => receiver.held === 0, { describe: 'the messages to be answered' });
    const heir = startHost(receiver, 'doubt-2', 3);
    const { counts } = await attempt(heir, batch, 2);
    expect(counts.sent + counts.inDoubt).toBe(200);
    expect(counts.inDoubt).toBeGreaterThanOrEqual(3);
    expect(counts.inDoubt).toBeLessThanOrEqual(60);
    expect(new Set(received(receiver)).size).toBe(receiver.messages.length);
  });

  it('hands over nobody, where nobody may be mailed twice, who is not announced: also not whom a thread gave back', async () => {
    const announced: boolean[] = [];
    let campaignId = '';
    const { receiver, batch } = await start('given-back', 90, 2, {
      delivery: 'at-most-once',
      receiver: {
        onData: async ({ to: [address = ''] }) => {
          const { rows } = await database.db.$client.query(
            `select b.announced_first <= q.position and b.announced_last >= q.position as "isAnnounced"
               from dispatch_queue q join contact c on c.id = q.contact_id
               join dispatch_batch b on b.campaign_id = q.campaign_id
              where q.campaign_id = $1 and c.email = $2`,
            [campaignId, address],
          );
          announced.push(rows[0]?.isAnnounced);
          return undefined;
        },
      },
    });
    campaignId = batch.campaignId;
    // Of the two threads one waits in a step of the installation's own; the other hears of a pause, and gives back.
    let goOn: (() => void) | undefined;
    let calls = 0;
    let isPaused = false;
    const host = dispatchHost(database.db, {
      smtpUrl: receiver.url,
      name: 'given-back-2',
      threads: 2,
      processors: {
        Waits: async () => {
          if (++calls === 10) await new Promise<void>((resolve) => (goOn = resolve));
          // So that the other is still at the same group when it hears of the pause, however late.
          else if (calls > 10 && !isPaused) await delay(500);
        },
      },
    });
    closers.push(() => host.close());
    const tell = async (word: 'pause' | 'go') => {
      await database.db.update(campaign).set({ word }).where(eq(campaign.id, campaignId));
      await waitFor(() => host.recorder.taken.every((lease) => lease.word === word), {
        describe: `the batch to be told ${word}`,
      });
    };
    const released = vi.spyOn(host.threads, 'release');
    const sending = attempt(host, { ...batch, sendEmail: ['FillEmail', 'SendEmail', 'EmailSent', 'Waits'] });
    await waitFor(() => goOn !== undefined, { describe: 'a thread to wait' });
    await tell('pause');
    isPaused = true;
    await waitFor(() => released.mock.calls.length === 1, { describe: 'the other thread to end' });
    await tell('go');
    goOn?.();
    expect(await sending).toMatchObject({ counts: { sent: 90 } });
    expect(announced).toEqual(Array.from({ length: 90 }, () => true));
  });
});
