import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';

describe('a campaign whose conditions are not met', () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await createInstallation({ smtpUrl: 'smtp://127.0.0.1:9' });
    // No content-delivery runs, and no mail server listens at that port.
    await installation.startWorker('primary', ['--no-dispatch']);
    await installation.startWorker('dedicated-dispatch', ['--name', 'mute']);
    await importRecipients(installation, 3);
  });

  afterAll(async () => await installation.dispose());

  test('is refused with everything that is missing, and stays a Draft that can be started later', async () => {
    const id = await createCampaign(installation);
    const started = await installation.exm(['campaign', 'start', id, '--json']);
    expect(started.code).toBe(3);
    const { error } = started.json();
    expect(error.code).toBe('PRECONDITIONS_FAILED');
    expect(error.message).toContain('links: content-delivery does not answer');
    expect(error.message).toContain('dispatcher: mute:');
    const status = (await installation.exm(['campaign', 'status', id, '--json'])).json();
    expect(status).toMatchObject({ state: 'Draft', totals: { queued: 0 } });

    const host = new URL(installation.env['EXM_BASE_URL'] ?? '').host;
    await installation.startWorker('content-delivery', ['--listen', host]);
    const again = await installation.exm(['campaign', 'start', id, '--json']);
    expect(again.json().error.message).not.toContain('content-delivery');
    expect(again.json().error.message).toContain('dispatcher: mute:');
  });

  test('an id that does not exist is wrong usage', async () => {
    const started = await installation.exm(['campaign', 'start', 'nothing-abcd', '--json']);
    expect(started.code).toBe(2);
    expect(started.json().error).toMatchObject({ code: 'CAMPAIGN_UNKNOWN', value: 'nothing-abcd' });
  });
});
