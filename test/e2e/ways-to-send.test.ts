import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';

describe('a primary that was not told to leave dispatching to others', () => {
  let receiver: SmtpReceiver;
  let installation: Installation;

  beforeAll(async () => {
    receiver = await startSmtpReceiver();
    installation = await createInstallation({ smtpUrl: receiver.url });
    const { host } = new URL(installation.env['EXM_BASE_URL'] ?? '');
    await installation.startWorker('primary', ['--name', 'primary', '--sleep-ms', '0']);
    await installation.startWorker('content-delivery', ['--listen', host]);
  });

  afterAll(async () => {
    await installation.dispose();
    await receiver.close();
  });

  test('sends a campaign alone', async () => {
    const addresses = await importRecipients(installation, 150);
    const id = await createCampaign(installation);
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    expect(started.json()).toMatchObject({
      state: 'Sent',
      totals: { queued: 150, sent: 150 },
      servers: [{ name: 'primary', sent: 150 }],
    });
    expect(receivedBy(receiver)).toEqual([...addresses].sort());
  });
});

describe('emulation mode', () => {
  const fixture = useCampaignFixture();

  test('of a server sends nothing and fails as often as it is told', async () => {
    const { installation, receiver } = fixture;
    await importRecipients(installation, 200);
    const flags = ['--pool', 'emulated', '--sleep-ms', '0', '--emulate', '0..2', '--emulate-failures', '0.5'];
    await installation.startWorker('dedicated-dispatch', ['--name', 'emulated', ...flags]);
    const id = await createCampaign(installation, { pool: 'emulated' });
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    const { state, totals } = started.json();
    expect(state).toBe('Sent');
    expect(totals.sent + totals.failed).toBe(200);
    // Half of 200, with a chance of less than one in a million to be further off.
    expect(totals.failed).toBeGreaterThan(60);
    expect(totals.failed).toBeLessThan(140);
    expect(receiver.messages).toHaveLength(0);
  });

  test('of a campaign sends nothing, on a server that sends others', async () => {
    const { installation, receiver } = fixture;
    await installation.startWorker('dedicated-dispatch', ['--name', 'real', '--sleep-ms', '0']);
    const emulated = await createCampaign(installation, {
      emulation: { delayMs: [0, 2], failureProbability: 0 },
    });
    const real = await createCampaign(installation);
    const ended = await Promise.all(
      [emulated, real].map(
        async (id) => await installation.exm(['campaign', 'start', id, '--watch', '--json']),
      ),
    );
    for (const { code } of ended) expect(code).toBe(0);
    expect(ended.map((result) => result.json().totals.sent)).toEqual([200, 200]);
    expect(receiver.messages).toHaveLength(200);
  });
});
