import { type ChildProcess, spawn } from 'node:child_process';
import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { server } from '../../src/db/schema.ts';
import { packagePath } from '../../src/package-path.ts';
import { type Role, roles } from '../../workers/runtime.ts';
import { createInstallation, type Installation } from './installation.ts';
import { type SmtpReceiver, startSmtpReceiver } from './smtp-receiver.ts';
import { waitFor } from './wait-for.ts';
import { startWire, type Wire } from './wire.ts';

export const rolesWithPages: readonly Role[] = ['content-delivery', 'reporting'];
export const rolesWithTemporal = roles.filter((role) => !rolesWithPages.includes(role));

export interface LogLine {
  readonly msg?: string;
  readonly address?: string;
}

export interface StartedWorker {
  readonly child: ChildProcess;
  readonly isRunning: boolean;
  /** The lines of its log so far. */
  lines(): LogLine[];
  /** Waits for its ready line. */
  ready(): Promise<LogLine>;
  /** Waits for its end. @returns `plannedEnd`, or how it ended otherwise, with its log */
  end(): Promise<unknown>;
}

/** Exit code 0, by no signal, with `stopped` as the last line. */
export const plannedEnd = [0, null];

/** Workers of an installation of their own, as a terminal starts them: each in a process group, waiting for nothing. */
export function useStartedWorkers() {
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
  return {
    /** It has its role as its name. @param shell whether a shell starts it, which then is the child */
    start(role: Role, more: Record<string, string> = {}, { shell = false } = {}): StartedWorker {
      const { PATH, HOME, TMPDIR } = process.env;
      const listen = rolesWithPages.includes(role) ? ['--listen', '127.0.0.1:0'] : [];
      const worker = [packagePath('bin/exm.js'), 'worker', role, '--name', role, ...listen];
      const [command = '', ...args] = [
        ...(shell ? ['sh', '-c', '"$@"; true', 'sh'] : []),
        process.execPath,
        ...worker,
      ];
      const child = spawn(command, args, {
        env: { PATH, HOME, TMPDIR, ...installation.env, ...more },
        cwd: installation.dir,
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      });
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
        get isRunning() {
          return children.has(child);
        },
        lines,
        ready: async () =>
          await waitFor(() => lines().find(({ msg }) => msg === 'ready'), {
            describe: () => `the worker to be ready. Its log:\n${log}`,
          }),
        async end() {
          const how = await ended;
          return lines().at(-1)?.msg === 'stopped' ? how : [...how, log];
        },
      };
    },
    async wire(target?: string): Promise<Wire> {
      const made = await startWire(target);
      wires.push(made);
      return made;
    },
    /** host:port of the database. */
    databaseAddress: () => new URL(installation.env['DATABASE_URL'] ?? '').host,
    databaseThrough: ({ address }: Wire) =>
      Object.assign(new URL(installation.env['DATABASE_URL'] ?? ''), { host: address }).toString(),
    rowOf: async (role: Role) =>
      (await installation.database.db.select().from(server).where(eq(server.name, role)))[0],
  };
}
