import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a dispatcher that is told to stop', () => {
  const fixture = useCampaignFixture();
  beforeAll(async () => void (await importRecipients(fixture.installation, 4)));

  test('records an answer of the mail server that comes 95 seconds later, and ends', async () => {
    const { installation, receiver } = fixture;
    const first = await installation.startWorker('dedicated-dispatch', ['--name', 'first', '--threads', '1']);
    receiver.hold();
    const id = await createCampaign(installation);
    await installation.exm(['campaign', 'start', id, '--json']);
    await waitFor(() => receiver.held === 1);
    const ended = first.stop();
    await pause(95_000);
    expect(first.process.exitCode).toBeNull();
    receiver.release();
    expect(await ended).toBe(0);
    const status = await installation.exm(['campaign', 'status', id, '--json']);
    expect(status.json().totals).toMatchObject({ sent: 1 });
    await installation.startWorker('dedicated-dispatch', ['--name', 'second']);
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: 4, sent: 4 } });
    expect(new Set(receivedBy(receiver)).size).toBe(4);
    expect(receiver.messages).toHaveLength(4);
  });
});
