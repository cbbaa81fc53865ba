import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { startSmtpReceiver } from '../support/smtp-receiver.ts';
import { startCampaignOn } from '../support/up-campaign.ts';
import { endAll, exmIn, startUp } from '../support/up-process.ts';
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

/** A step of the installation's own that takes its time, and notes when it begins and ends. */
const config = `
import { appendFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { defineConfig } from 'exm-dispatch';

const note = (what) => appendFileSync(${JSON.stringify('FILE')}, what + '\\n');
export default defineConfig({
  steps: {
    async Prepare() {
      note('begun');
      await pause(75_000);
      note('ended');
    },
  },
  pipelines: {
    dispatchNewsletter: [
      'CheckPreconditions', 'MoveToQueuing', 'DeployAnalytics', 'PublishDispatchItems', 'QueueMessage', 'Prepare',
      'MoveToProcessing', 'LaunchDedicatedServers', 'SendMessage', 'WaitForDispatchToFinish', 'MoveToSent',
      'NotifyDispatchFinished', 'FinalizeDispatch',
    ],
  },
});
`;

describe('a primary that is told to stop', () => {
  const fixture = useCampaignFixture({
    prepare: ({ dir }) =>
      writeFileSync(join(dir, 'exm.config.ts'), config.replace('FILE', join(dir, 'notes'))),
  });
  beforeAll(async () => void (await importRecipients(fixture.installation, 4)));

  test.each([
    ['and sends nothing itself', ['--no-dispatch']],
    ['and sends too', []],
  ])('in the middle of a step of 75 seconds %s finishes the step, which is not repeated', async (_, args) => {
    const { installation, primary } = fixture;
    const notes = join(installation.dir, 'notes');
    const noted = () => readFileSync(notes, 'utf8').trim().split('\n');
    writeFileSync(notes, '');
    await primary.stop();
    const first = await installation.startWorker('primary', ['--name', 'first', ...args]);
    const id = await createCampaign(installation);
    await installation.exm(['campaign', 'start', id, '--json']);
    await waitFor(() => noted().includes('begun'));
    expect(await first.stop()).toBe(0);
    expect(noted()).toEqual(['begun', 'ended']);
    const second = await installation.startWorker('primary', ['--name', 'second']);
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: 4, sent: 4 } });
    expect(noted()).toEqual(['begun', 'ended']);
    expect(await second.stop()).toBe(0);
  });
});

describe('exm up that is told to stop', () => {
  test('waits for an answer of the mail server that comes 130 seconds later', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'exm-up-'));
    const receiver = await startSmtpReceiver();
    const start = async () => await startUp(dir, ['--dispatchers', '1'], { EXM_SMTP_URL: receiver.url });
    try {
      const up = await start();
      receiver.hold();
      const id = await startCampaignOn(up, dir, 1);
      await waitFor(() => receiver.held === 1);
      const ended = up.end('SIGTERM');
      await pause(130_000);
      expect(up.process.exitCode).toBeNull();
      receiver.release();
      expect(await ended).toBe(0);
      const again = await start();
      const watched = await exmIn(dir, ['campaign', 'watch', id, '--json']);
      expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: 1, sent: 1 } });
      expect(receiver.messages).toHaveLength(1);
      expect(await again.end('SIGTERM')).toBe(0);
    } finally {
      await endAll(dir);
      await receiver.close();
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
