import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';

const recipients = 2_000;

describe('a campaign whose processes are stopped and killed', () => {
  const fixture = useCampaignFixture();

  beforeAll(async () => await importRecipients(fixture.installation, recipients));
  beforeEach(() => {
    fixture.receiver.messages.length = 0;
  });

  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);
  const startDispatcher = async (name: string) =>
    await fixture.installation.startWorker('dedicated-dispatch', [
      '--name',
      name,
      '--sleep-ms',
      '10',
      '--threads',
      '5',
    ]);

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

  test('survives kill -9 of a dispatcher: nobody missing, repeated at most what one flush had not recorded', async () => {
    const { receiver } = fixture;
    const [one, two] = await Promise.all([startDispatcher('d1'), startDispatcher('d2')]);
    const id = await createCampaign(fixture.installation);
    await exm('campaign', 'start', id);
    await receiver.waitFor(300);
    await one.kill();
    const watched = await exm('campaign', 'watch', id);
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: recipients, sent: recipients } });
    expect(new Set(receivedBy(receiver)).size).toBe(recipients);
    // Five slots that sleep 10 ms send some fifty messages in a flush interval of 75 ms with room to spare.
    expect(receiver.messages.length - recipients).toBeLessThanOrEqual(50);
    await two.stop();
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
