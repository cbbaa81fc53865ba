import { connect } from 'node:net';
import { describe, expect, inject, test } from 'vitest';
import { roles } from '../../workers/runtime.ts';
import {
  plannedEnd,
  rolesWithPages,
  rolesWithTemporal,
  useStartedWorkers,
} from '../support/started-workers.ts';

describe('a worker that is told to stop when something does not answer any more', () => {
  const workers = useStartedWorkers();

  test.each(rolesWithTemporal)('%s: ends though Temporal has fallen silent', async (role) => {
    const temporal = await workers.wire(inject('temporalAddress'));
    const worker = workers.start(role, { TEMPORAL_ADDRESS: temporal.address });
    await worker.ready();
    temporal.fallSilent();
    worker.child.kill('SIGTERM');
    expect(await worker.end()).toEqual(plannedEnd);
  });

  test.each(roles)('%s: ends though the database has fallen silent', async (role) => {
    const database = await workers.wire(workers.databaseAddress());
    const worker = workers.start(role, { DATABASE_URL: workers.databaseThrough(database) });
    await worker.ready();
    database.fallSilent();
    worker.child.kill('SIGTERM');
    expect(await worker.end()).toEqual(plannedEnd);
  });

  test.each(rolesWithPages)('%s: ends though a request never comes whole', async (role) => {
    const worker = workers.start(role);
    const { port, hostname } = new URL((await worker.ready()).address ?? '');
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.write('GET / HTTP/1.1\r\nHost: ', () => resolve()));
    worker.child.kill('SIGTERM');
    expect(await worker.end()).toEqual(plannedEnd);
    socket.destroy();
  });
});
