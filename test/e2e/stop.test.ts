import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { roles } from '../../workers/runtime.ts';
import { plannedEnd, rolesWithTemporal, useStartedWorkers } from '../support/started-workers.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a worker that is told to stop', () => {
  const workers = useStartedWorkers();

  test.each(roles)(
    '%s: ends at once where it has nothing to do, and enters that it stopped',
    async (role) => {
      const worker = workers.start(role);
      await worker.ready();
      worker.child.kill('SIGTERM');
      expect(await worker.end()).toEqual(plannedEnd);
      expect(worker.lines().filter(({ msg }) => msg?.startsWith('still waiting'))).toEqual([]);
      expect((await workers.rowOf(role))?.stoppedAt).toBeInstanceOf(Date);
    },
  );

  test.each(roles)('%s: takes no harm from being told again and again, until the end', async (role) => {
    const worker = workers.start(role);
    await worker.ready();
    const group = -(worker.child.pid ?? 0);
    while (worker.isRunning) {
      try {
        process.kill(group, 'SIGTERM');
        process.kill(group, 'SIGINT');
      } catch {
        // It has just ended.
      }
      await pause(2);
    }
    expect(await worker.end()).toEqual(plannedEnd);
  });

  test.each(roles)('%s: ends while it waits for a database that does not answer', async (role) => {
    const silent = await workers.wire();
    const worker = workers.start(role, { DATABASE_URL: workers.databaseThrough(silent) });
    await waitFor(() => silent.connections > 0);
    worker.child.kill('SIGINT');
    expect(await worker.end()).toEqual(plannedEnd);
  });

  test.each(rolesWithTemporal)(
    '%s: ends while it waits for a Temporal that does not answer',
    async (role) => {
      const silent = await workers.wire();
      const worker = workers.start(role, { TEMPORAL_ADDRESS: silent.address });
      await waitFor(() => silent.connections > 0);
      worker.child.kill('SIGTERM');
      expect(await worker.end()).toEqual(plannedEnd);
      expect((await workers.rowOf(role))?.stoppedAt).toBeInstanceOf(Date);
    },
  );

  test.each(roles)('%s: stops as planned where its terminal is closed', async (role) => {
    const worker = workers.start(role);
    await worker.ready();
    worker.child.stderr?.destroy();
    worker.child.kill('SIGHUP');
    await waitFor(() => worker.child.exitCode !== null || worker.child.signalCode !== null);
    expect([worker.child.exitCode, worker.child.signalCode]).toEqual(plannedEnd);
    expect((await workers.rowOf(role))?.stoppedAt).toBeInstanceOf(Date);
  });

  test('goes on where the shell that started it is killed, until it is told', async () => {
    const worker = workers.start('reporting', {}, { shell: true });
    await worker.ready();
    const pid = (await workers.rowOf('reporting'))?.pid ?? 0;
    expect(pid).not.toBe(worker.child.pid);
    worker.child.kill('SIGKILL');
    await waitFor(() => worker.child.signalCode !== null);
    const killedAt = (await workers.rowOf('reporting'))?.seenAt ?? new Date();
    await waitFor(async () => {
      const row = await workers.rowOf('reporting');
      return row !== undefined && row.seenAt.getTime() > killedAt.getTime() + 3_000;
    });
    process.kill(pid, 'SIGTERM');
    await waitFor(async () => (await workers.rowOf('reporting'))?.stoppedAt instanceof Date);
    await worker.end();
  });
});
