import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { server } from '../../src/db/schema.ts';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { recordHistory } from '../support/histories.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { pauseSilently } from '../support/silently.ts';
import { waitFor } from '../support/wait-for.ts';

describe('steering a campaign', () => {
  const fixture = useCampaignFixture();

  beforeAll(async () => {
    await Promise.all([
      importRecipients(fixture.installation, 1_000),
      fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '400']),
      fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd2', '--sleep-ms', '400']),
    ]);
  });

  beforeEach(async () => {
    fixture.receiver.messages.length = 0;
    await sleepOf(400);
  });
  afterEach(() => fixture.receiver.release());

  /** So long that a campaign is still being sent when a command about it has started; short where its end is waited for. */
  const sleepOf = async (ms: number) =>
    await fixture.installation.database.db.update(server).set({ sleepMs: ms });

  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);

  test('a pause in the middle silences every dispatcher, and a resume finishes with nobody missing or repeated', async () => {
    const { installation, receiver } = fixture;
    const id = await createCampaign(installation);
    await exm('campaign', 'start', id);
    await receiver.waitFor(100);
    const paused = await pauseSilently(
      async () => (await exm('campaign', 'pause', id, '--reason', 'wrong price')).json(),
      async () => await exm('campaign', 'resume', id),
    );
    expect(paused).toMatchObject({ id, pause: true, inForce: true, silent: true });
    const sent = receiver.messages.length;
    expect(sent).toBeLessThan(1_000);
    await delay(2_000);
    expect(receiver.messages).toHaveLength(sent);
    expect((await exm('campaign', 'status', id)).json()).toMatchObject({
      state: 'Sending',
      subState: 'Paused',
      reason: 'wrong price',
      totals: { queued: 1_000, sent, remaining: 1_000 - sent },
    });
    expect((await exm('campaign', 'pause', id)).code).toBe(3);
    await sleepOf(20);
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    expect((await exm('campaign', 'resume', id)).code).toBe(3);
    expect((await exm('campaign', 'watch', id)).json()).toMatchObject({
      state: 'Sent',
      totals: { sent: 1_000 },
    });
    expect(new Set(receivedBy(receiver)).size).toBe(1_000);
    expect(receiver.messages).toHaveLength(1_000);
    await recordHistory(installation, `campaign/${id}`, 'pause-and-resume');
  });

  test('a cancel ends the campaign with its books in balance', async () => {
    const { installation, receiver } = fixture;
    const id = await createCampaign(installation);
    await exm('campaign', 'start', id);
    await receiver.waitFor(100);
    expect((await exm('campaign', 'cancel', id, '--reason', 'recalled')).code).toBe(0);
    const watched = await exm('campaign', 'watch', id);
    const sent = receiver.messages.length;
    expect(watched.json()).toMatchObject({
      state: 'Inactive',
      subState: 'Cancelled',
      reason: 'recalled',
      totals: { queued: 1_000, sent, cancelled: 1_000 - sent, remaining: 0 },
    });
    expect(watched.code).toBe(1);
    await delay(2_000);
    expect(receiver.messages).toHaveLength(sent);
    expect((await exm('campaign', 'resume', id)).code).toBe(3);
    expect((await exm('campaign', 'start', id)).code).toBe(3);
    await recordHistory(installation, `campaign/${id}`, 'cancel');
  });

  test('a second start is refused while the campaign runs, and after it ended', async () => {
    const { installation, receiver } = fixture;
    await importRecipients(installation, 400, 'few');
    const id = await createCampaign(installation, { include: ['few'] });
    // It has not ended before the later of the two has come.
    receiver.hold();
    const starts = await Promise.all([exm('campaign', 'start', id), exm('campaign', 'start', id)]);
    await sleepOf(20);
    receiver.release();
    expect(starts.map(({ code }) => code).sort()).toEqual([0, 3]);
    expect(starts.find(({ code }) => code === 3)?.json().error.code).toBe('CAMPAIGN_RUNNING');
    expect((await exm('campaign', 'watch', id)).json()).toMatchObject({
      state: 'Sent',
      totals: { sent: 400 },
    });
    expect((await exm('campaign', 'start', id)).json().error.code).toBe('CAMPAIGN_ENDED');
    expect((await exm('campaign', 'pause', id)).code).toBe(3);
    expect((await exm('campaign', 'cancel', id)).code).toBe(3);
    expect(receiver.messages).toHaveLength(400);
  });

  test('a change of Sleep reaches a dispatcher while it sends', async () => {
    const { installation, receiver } = fixture;
    const id = await createCampaign(installation);
    await exm('campaign', 'start', id);
    await receiver.waitFor(20);
    for (const name of ['d1', 'd2']) expect((await exm('server', 'sleep', name, '60000')).code).toBe(0);
    // Every slot finishes the message it is at, and then sleeps a minute.
    const sent = await waitFor(
      async () => {
        const before = receiver.messages.length;
        await delay(1_000);
        return receiver.messages.length === before && before;
      },
      { timeoutMs: 30_000, describe: 'every slot to sleep' },
    );
    expect(sent).toBeLessThan(1_000);
    await delay(2_000);
    expect(receiver.messages).toHaveLength(sent);
    for (const name of ['d1', 'd2']) await exm('server', 'sleep', name, '0');
    expect((await exm('campaign', 'watch', id)).json()).toMatchObject({
      state: 'Sent',
      totals: { sent: 1_000 },
    });
  });
});
