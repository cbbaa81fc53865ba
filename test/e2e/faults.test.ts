import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const recipients = 2_000;
const threads = 5;

describe('a campaign whose processes are stopped and killed', () => {
  const fixture = useCampaignFixture();

  beforeAll(async () => await importRecipients(fixture.installation, recipients));
  beforeEach(() => {
    fixture.receiver.messages.length = 0;
  });
  const dispatchers: WorkerProcess[] = [];
  // Also where a test failed half way: the next one starts its own by the same names.
  afterEach(
    async () => await Promise.all(dispatchers.splice(0).map(async (dispatcher) => await dispatcher.kill())),
  );

  const journals = () => join(fixture.installation.env['EXM_DATA_DIR'] ?? '', 'journal');
  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);
  const startDispatcher = async (name: string) => {
    const dispatcher = await fixture.installation.startWorker('dedicated-dispatch', [
      '--name',
      name,
      '--sleep-ms',
      '10',
      '--threads',
      String(threads),
    ]);
    dispatchers.push(dispatcher);
    return dispatcher;
  };

  test('survives a rolling restart of all dispatchers by SIGTERM with nobody missing and nobody repeated', async () => {
    const { receiver } = fixture;
    let [one, two] = await Promise.all([startDispatcher('d1'), startDispatcher('d2')]);
    const id = await createCampaign(fixture.installation);
    await exm('campaign', 'start', id);
    for (const after of [200, 800]) {
      await receiver.waitFor(after);
      expect(await one.stop()).toBe(0);
      one = await startDispatcher('d1');
      expect(await two.stop()).toBe(0);
      two = await startDispatcher('d2');
    }
    const watched = await exm('campaign', 'watch', id);
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: recipients, sent: recipients } });
    expect(receiver.messages).toHaveLength(recipients);
    expect(new Set(receivedBy(receiver)).size).toBe(recipients);
    await Promise.all([one.stop(), two.stop()]);
  });

  test('survives kill -9 of a dispatcher: nobody missing, repeated at most what was on the wire', async () => {
    const { receiver } = fixture;
    const [one, two] = await Promise.all([startDispatcher('d1'), startDispatcher('d2')]);
    const id = await createCampaign(fixture.installation);
    await exm('campaign', 'start', id);
    await receiver.waitFor(300);
    await one.kill();
    const watched = await exm('campaign', 'watch', id);
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: recipients, sent: recipients } });
    expect(new Set(receivedBy(receiver)).size).toBe(recipients);
    // The other dispatcher of this host has read its journal: one message per slot may have been on the wire.
    expect(receiver.messages.length - recipients).toBeLessThanOrEqual(threads);
    // Who was killed when all was sent left a journal that is looked for from time to time.
    await waitFor(() => readdirSync(journals()).every((name) => name.startsWith(`${two.process.pid}-`)), {
      describe: 'the journal of the killed one to be removed',
    });
    await two.stop();
    expect(readdirSync(journals())).toEqual([]);
  });

  test('mails nobody twice where it may not, though a host is lost with its journal, and lists who is in doubt', async () => {
    const { receiver } = fixture;
    const [one, two] = await Promise.all([startDispatcher('d1'), startDispatcher('d2')]);
    const id = await createCampaign(fixture.installation, { delivery: 'at-most-once' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(300);
    await one.kill();
    rmSync(journals(), { recursive: true });
    mkdirSync(journals());
    const watched = await exm('campaign', 'watch', id);
    const { sent, inDoubt } = watched.json().totals;
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: recipients, remaining: 0 } });
    expect(sent + inDoubt).toBe(recipients);
    const received = receivedBy(receiver);
    expect(new Set(received).size).toBe(received.length);
    expect(received.length).toBeGreaterThanOrEqual(sent);
    // Twenty are announced at a time, by each slot.
    expect(inDoubt).toBeLessThanOrEqual(20 * threads);
    await two.stop();
  });

  test('mails nobody twice where it may not, and leaves in doubt what was on the wire when a dispatcher was killed', async () => {
    const { receiver } = fixture;
    const dispatcher = await startDispatcher('d1');
    const id = await createCampaign(fixture.installation, { delivery: 'at-most-once' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(300);
    await dispatcher.kill();
    const again = await startDispatcher('d1');
    const watched = await exm('campaign', 'watch', id);
    const { sent, inDoubt } = watched.json().totals;
    expect(sent + inDoubt).toBe(recipients);
    expect(inDoubt).toBeLessThanOrEqual(threads);
    const received = receivedBy(receiver);
    expect(new Set(received).size).toBe(received.length);
    await again.stop();
  });

  test('survives kill -9 of the primary in mid-campaign', async () => {
    const { receiver, installation } = fixture;
    const dispatcher = await startDispatcher('d1');
    const id = await createCampaign(installation);
    await exm('campaign', 'start', id);
    await receiver.waitFor(300);
    await fixture.primary.kill();
    await installation.startWorker('primary', ['--no-dispatch', '--name', 'second']);
    const watched = await exm('campaign', 'watch', id);
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: recipients, sent: recipients } });
    expect(receiver.messages).toHaveLength(recipients);
    await dispatcher.stop();
  });
});
