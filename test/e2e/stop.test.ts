import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { server } from '../../src/db/schema.ts';
import { packagePath } from '../../src/package-path.ts';
import { type Role, roles } from '../../workers/runtime.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';
import { startWire, type Wire } from '../support/wire.ts';

const withPages: readonly Role[] = ['content-delivery', 'reporting'];
const withTemporal = roles.filter((role) => !withPages.includes(role));
/** What each ends with: exit code 0, by no signal. */
const planned = [0, null];

interface LogLine {
  readonly msg?: string;
  readonly address?: string;
}

describe('a worker that is told to stop', () => {
  let installation: Installation;
  let receiver: SmtpReceiver;
  const children = new Set<ChildProcess>();
  const wires: Wire[] = [];

  beforeAll(async () => {
    receiver = await startSmtpReceiver();
    installation = await createInstallation({ smtpUrl: receiver.url });
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const wire of wires.splice(0)) await wire.close();
  });
  afterAll(async () => {
    await installation?.dispose();
    await receiver?.close();
  });

  /** Starts it, and does not wait for anything. */
  function start(role: Role, more: Record<string, string> = {}) {
    const { PATH, HOME, TMPDIR } = process.env;
    const listen = withPages.includes(role) ? ['--listen', '127.0.0.1:0'] : [];
    const child = spawn(
      process.execPath,
      [packagePath('bin/exm.js'), 'worker', role, '--name', role, ...listen],
      {
        env: { PATH, HOME, TMPDIR, ...installation.env, ...more },
        cwd: installation.dir,
        stdio: ['ignore', 'ignore', 'pipe'],
        // A process group of its own, as a shell gives it in a terminal.
        detached: true,
      },
    );
    children.add(child);
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      log += chunk;
    });
    const ended = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.once('close', (code, signal) => {
        children.delete(child);
        resolve([code, signal]);
      }),
    );
    const lines = () =>
      log
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as LogLine);
    return {
      child,
      ended,
      lines,
      ready: async () =>
        await waitFor(() => lines().find(({ msg }) => msg === 'ready'), { describe: () => `ready:\n${log}` }),
      /** How it ended, with its log where that is not as planned. */
      async end(): Promise<unknown> {
        const how = await ended;
        return how[0] === 0 && lines().at(-1)?.msg === 'stopped' ? how : [...how, log];
      },
    };
  }

  async function wire(target?: string): Promise<Wire> {
    const made = await startWire(target);
    wires.push(made);
    return made;
  }

  const rowOf = async (role: Role) =>
    (await installation.database.db.select().from(server).where(eq(server.name, role)))[0];
  const databaseThrough = ({ address }: Wire) =>
    Object.assign(new URL(installation.env['DATABASE_URL'] ?? ''), { host: address }).toString();

  test.each(roles)(
    '%s: ends at once where it has nothing to do, and enters that it stopped',
    async (role) => {
      const worker = start(role);
      await worker.ready();
      worker.child.kill('SIGTERM');
      expect(await worker.end()).toEqual(planned);
      expect(worker.lines().filter(({ msg }) => msg?.startsWith('still waiting'))).toEqual([]);
      expect((await rowOf(role))?.stoppedAt).toBeInstanceOf(Date);
    },
  );

  test.each(roles)('%s: takes no harm from being told again and again, until the end', async (role) => {
    const worker = start(role);
    await worker.ready();
    const group = -(worker.child.pid ?? 0);
    while (children.has(worker.child)) {
      try {
        process.kill(group, 'SIGTERM');
        process.kill(group, 'SIGINT');
      } catch {
        // It has just ended.
      }
      await pause(2);
    }
    expect(await worker.end()).toEqual(planned);
  });

  test.each(roles)('%s: ends while it waits for a database that does not answer', async (role) => {
    const silent = await wire();
    const worker = start(role, { DATABASE_URL: databaseThrough(silent) });
    await waitFor(() => silent.connections > 0);
    worker.child.kill('SIGINT');
    expect(await worker.end()).toEqual(planned);
  });

  test.each(withTemporal)('%s: ends while it waits for a Temporal that does not answer', async (role) => {
    const silent = await wire();
    const worker = start(role, { TEMPORAL_ADDRESS: silent.address });
    await waitFor(() => silent.connections > 0);
    worker.child.kill('SIGTERM');
    expect(await worker.end()).toEqual(planned);
    expect((await rowOf(role))?.stoppedAt).toBeInstanceOf(Date);
  });

  test.each(withTemporal)('%s: ends though Temporal has fallen silent', async (role) => {
    const temporal = await wire(inject('temporalAddress'));
    const worker = start(role, { TEMPORAL_ADDRESS: temporal.address });
    await worker.ready();
    temporal.fallSilent();
    worker.child.kill('SIGTERM');
    expect(await worker.end()).toEqual(planned);
  });

  test.each(roles)('%s: ends though the database has fallen silent', async (role) => {
    const { host } = new URL(installation.env['DATABASE_URL'] ?? '');
    const database = await wire(host);
    const worker = start(role, { DATABASE_URL: databaseThrough(database) });
    await worker.ready();
    database.fallSilent();
    worker.child.kill('SIGTERM');
    expect(await worker.end()).toEqual(planned);
  });

  test.each(withPages)('%s: ends though a request never comes whole', async (role) => {
    const worker = start(role);
    const { port, hostname } = new URL((await worker.ready()).address ?? '');
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    await new Promise<void>((resolve) => socket.write('GET / HTTP/1.1\r\nHost: ', () => resolve()));
    worker.child.kill('SIGTERM');
    expect(await worker.end()).toEqual(planned);
    socket.destroy();
  });
});
