import { describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a campaign that nobody can send', () => {
  const fixture = useCampaignFixture();

  test('says so, and sends as soon as a dispatcher is started', async () => {
    const { installation, receiver } = fixture;
    const addresses = await importRecipients(installation, 50);
    const id = await createCampaign(installation);
    const started = await installation.exm(['campaign', 'start', id, '--json']);
    expect(started.json().warnings).toEqual([expect.objectContaining({ condition: 'dispatcher' })]);
    const status = async () => (await installation.exm(['campaign', 'status', id, '--json'])).json();
    await waitFor(async () => (await status()).state === 'Sending', { describe: 'the campaign is Sending' });
    expect(await status()).toMatchObject({
      reason: expect.stringContaining('exm worker dedicated-dispatch'),
    });
    expect(receiver.messages).toHaveLength(0);
    await installation.startWorker('dedicated-dispatch', ['--name', 'late', '--sleep-ms', '0']);
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json()).toMatchObject({ state: 'Sent', reason: null, totals: { sent: 50 } });
    expect(receivedBy(receiver)).toEqual([...addresses].sort());
  });

  test('can be cancelled while it waits', async () => {
    const { installation } = fixture;
    await importRecipients(installation, 50);
    const id = await createCampaign(installation, { pool: 'nobody' });
    await installation.exm(['campaign', 'start', id, '--json']);
    // A start answers before anybody is queued.
    await waitFor(
      async () => (await installation.exm(['campaign', 'status', id, '--json'])).json().state === 'Sending',
      { describe: 'the campaign to be queued' },
    );
    expect((await installation.exm(['campaign', 'cancel', id])).code).toBe(0);
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json()).toMatchObject({ state: 'Inactive', totals: { queued: 50, cancelled: 50 } });
  });
});
