import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { server } from '../../src/db/schema.ts';
import { packagePath } from '../../src/package-path.ts';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a worker that is told to stop', () => {
  const fixture = useCampaignFixture();
  beforeAll(async () => void (await importRecipients(fixture.installation, 20)));

  test('while the mail server keeps it waiting records the answer, ends, and nobody is repeated', async () => {
    const { installation, receiver } = fixture;
    const dispatch = async (name: string) =>
      await installation.startWorker('dedicated-dispatch', [
        '--name',
        name,
        '--sleep-ms',
        '0',
        '--threads',
        '2',
      ]);
    const stateOf = async (name: string) => {
      const { servers } = (await installation.exm(['server', 'ls', '--json'])).json();
      return servers.find((one: { name: string }) => one.name === name)?.state;
    };
    const first = await dispatch('first');
    receiver.hold();
    const id = await createCampaign(installation);
    await installation.exm(['campaign', 'start', id, '--json']);
    await waitFor(() => receiver.held > 0);
    const ended = first.stop();
    // Longer than a batch may be silent to Temporal, so it must have gone on saying that it lives.
    await pause(12_000);
    expect(first.process.exitCode).toBeNull();
    expect(await stateOf('first')).toBe('stopping');
    // Nobody counts on it any more.
    const status = await installation.exm(['campaign', 'status', id, '--json']);
    expect(status.json()).toMatchObject({ reason: expect.stringContaining('exm worker dedicated-dispatch') });
    receiver.release();
    expect(await ended).toBe(0);
    expect(await stateOf('first')).toBe('stopped');
    await dispatch('second');
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: 20, sent: 20 } });
    expect(receivedBy(receiver)).toHaveLength(20);
    expect(new Set(receivedBy(receiver)).size).toBe(20);
  });

  test('while it starts gives its start up, and enters that it stopped as planned', async () => {
    const { installation } = fixture;
    const { db } = installation.database;
    const { PATH, HOME, TMPDIR } = process.env;
    const child = spawn(
      process.execPath,
      [packagePath('bin/exm.js'), 'worker', 'processing', '--name', 'hasty'],
      { env: { PATH, HOME, TMPDIR, ...installation.env }, cwd: installation.dir, stdio: 'ignore' },
    );
    const closed = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.once('close', (code, signal) => resolve([code, signal])),
    );
    const row = async () => (await db.select().from(server).where(eq(server.name, 'hasty')))[0];
    await waitFor(row, { intervalMs: 5 });
    child.kill('SIGTERM');
    expect(await closed).toEqual([0, null]);
    expect((await row())?.stoppedAt).toBeInstanceOf(Date);
  });
});
