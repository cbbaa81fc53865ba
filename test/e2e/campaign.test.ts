import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';

describe('a small campaign', () => {
  let receiver: SmtpReceiver;
  let installation: Installation;

  beforeAll(async () => {
    receiver = await startSmtpReceiver();
    installation = await createInstallation({ smtpUrl: receiver.url });
    await installation.startWorker('primary', ['--no-dispatch']);
    await installation.startWorker('content-delivery', [
      '--listen',
      new URL(installation.env['EXM_BASE_URL'] ?? '').host,
    ]);
    await installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '0']);
  });

  afterAll(async () => {
    await installation.dispose();
    await receiver.close();
  });

  test.each([1, 3])('to %i recipients ends in Sent, each address once', async (count) => {
    receiver.messages.length = 0;
    const list = `list-${count}`;
    const addresses = await importRecipients(installation, count, list);
    const id = await createCampaign(installation, { include: [list] });
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    expect(started.stderr).not.toContain('error');
    expect(started.json()).toMatchObject({
      id,
      state: 'Sent',
      totals: { queued: count, sent: count, remaining: 0 },
    });
    expect(started.code).toBe(0);
    expect(receiver.messages.flatMap(({ to }) => to).sort()).toEqual(addresses.sort());
  });
});
