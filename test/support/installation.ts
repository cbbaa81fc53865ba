import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { generateKeys } from '../../src/config/keys.ts';
import { packagePath } from '../../src/package-path.ts';
import { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './database.ts';
import { ownPorts } from './ports.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

export interface InstallationOptions extends TestDatabaseOptions {
  /** EXM_SMTP_URL; left out: not set. */
  readonly smtpUrl?: string;
  /** Further environment variables, for all commands and workers. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The one JSON object on stdout. @throws Error with both outputs where it is none. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by looking at it
  json(): any;
}

export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** What a test of the whole needs of its own: a database, task queues, keys, a folder. Servers are shared. */
export interface Installation {
  readonly env: Readonly<Record<string, string>>;
  readonly database: TestDatabase;
  /** An empty folder; commands run in it. */
  readonly dir: string;
  /** Runs `exm` as a process. Doesn't throw where it fails. */
  exm(args: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Runs `exm worker <role>` and waits until it is ready. */
  startWorker(
    role: string,
    args?: readonly string[],
    options?: Pick<CommandOptions, 'env'>,
  ): Promise<WorkerProcess>;
  /** Ends everything that was started, and removes the database and the folder. */
  dispose(): Promise<void>;
}

export async function createInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const database = await createTestDatabase(options);
  const dir = mkdtempSync(join(tmpdir(), 'exm-installation-'));
  const [baseUrlPort] = await ownPorts(1);
  const env: Record<string, string> = {
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: 'default',
    DATABASE_URL: database.url,
    EXM_BASE_URL: `http://127.0.0.1:${baseUrlPort}`,
    EXM_QUEUE_PREFIX: `test-${randomBytes(6).toString('hex')}`,
    EXM_DATA_DIR: join(dir, '.exm'),
    ...(options.smtpUrl === undefined ? {} : { EXM_SMTP_URL: options.smtpUrl }),
    ...generateKeys(),
    ...options.env,
  };
  const children = new Set<ChildProcess>();
  const track = (child: ChildProcess) => {
    children.add(child);
    child.once('close', () => children.delete(child));
  };
  // Nothing of the tester's own settings, so that no test depends on them.
  const { PATH, HOME, TMPDIR } = process.env;
  const environment = (more: CommandOptions['env']) => ({ PATH, HOME, TMPDIR, ...env, ...more });
  return {
    env,
    database,
    dir,
    exm: (args, command = {}) =>
      runExm(args, { env: environment(command.env), cwd: command.cwd ?? dir, input: command.input }, track),
    startWorker: (role, args = [], more = {}) =>
      startWorkerProcess([role, ...args], { env: environment(more.env), cwd: dir, onStart: track }),
    async dispose() {
      await Promise.all(
        [...children].map((child) => {
          const closed = new Promise((resolve) => child.once('close', resolve));
          child.kill('SIGKILL');
          return closed;
        }),
      );
      try {
        await database.drop();
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
  };
}

/** Runs the command `exm` from dist/ as a process. */
export function runExm(
  args: readonly string[],
  options: { readonly env: NodeJS.ProcessEnv; readonly cwd: string; readonly input?: string | undefined },
  onStart?: (child: ChildProcess) => void,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [packagePath('bin/exm.js'), ...args], {
      env: options.env,
      cwd: options.cwd,
      stdio: 'pipe',
    });
    onStart?.(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
    });
    child.stdin.on('error', () => undefined); // It may end without reading its input.
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr, json: () => parseOutput(stdout, stderr) }));
  });
}

function parseOutput(stdout: string, stderr: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw new Error(`stdout is not one JSON object.\nstdout: ${stdout}\nstderr: ${stderr}`, { cause });
  }
}
