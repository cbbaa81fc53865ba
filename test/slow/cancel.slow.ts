import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a cancel while the mail server takes its time over a message', () => {
  const fixture = useCampaignFixture();
  beforeAll(async () => void (await importRecipients(fixture.installation, 4)));

  test('keeps the books open for its answer, though it comes after more than five minutes', async () => {
    const { installation, receiver } = fixture;
    await installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--threads', '1']);
    receiver.hold();
    const id = await createCampaign(installation);
    await installation.exm(['campaign', 'start', id, '--json']);
    await waitFor(() => receiver.held === 1);
    expect((await installation.exm(['campaign', 'cancel', id, '--json'])).code).toBe(0);
    await pause(310_000);
    const status = await installation.exm(['campaign', 'status', id, '--json']);
    expect(status.json()).toMatchObject({ state: 'Sending', subState: 'Cancelled', workflowRuns: true });
    receiver.release();
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json()).toMatchObject({
      state: 'Inactive',
      totals: { queued: 4, sent: 1, cancelled: 3, remaining: 0 },
    });
    expect(receiver.messages).toHaveLength(1);
  });
});
