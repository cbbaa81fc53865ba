import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { endLeftChildren } from '../../src/local/children-record.ts';
import { openDataDir } from '../../src/local/data-dir.ts';
import { packagePath } from '../../src/package-path.ts';
import { runExm } from './installation.ts';
import { ownPorts } from './ports.ts';
import { waitFor } from './wait-for.ts';

export interface UpProcess {
  readonly process: ChildProcess;
  /** What `exm up --json` printed. */
  readonly announced: UpAnnouncement;
  /** stderr so far. */
  output(): string;
  /** What it wrote to `<data-dir>/env`. */
  env(): Record<string, string>;
  /** Process ids of its parts by name, as recorded. */
  children(): Record<string, number>;
  /** Sends a signal and waits for the end. Returns the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface UpAnnouncement {
  readonly ready: true;
  readonly pid: number;
  readonly dataDir: string;
  readonly addresses: Readonly<Record<string, string>>;
  readonly dispatchers: readonly string[];
}

/** Only what a program needs to run: nothing of the tester's settings, so that everything is started anew. */
export function plainEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, EXM_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  return { PATH, HOME, TMPDIR, EXM_CACHE_DIR, XDG_CACHE_HOME, ...more };
}

/** All that were started in this test process, so that a failed test leaves none behind. */
const running = new Set<ChildProcess>();

/** Starts `exm up --json` in a folder without waiting. */
export function spawnUp(dir: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [packagePath('bin/exm.js'), 'up', '--json', ...args], {
    cwd: dir,
    env: plainEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, stdout: () => stdout, stderr: () => stderr };
}

/** Gives a folder ports that nobody else takes between two starts, as another test or a connection may take the usual ones. */
export async function keepPorts(dir: string): Promise<void> {
  const dataDir = join(dir, '.exm');
  const file = join(dataDir, 'ports.json');
  if (existsSync(file)) return;
  const names = ['postgres', 'temporal', 'temporalUi', 'smtp', 'mail', 'tracking', 'reports', 'receive'];
  const own = await ownPorts(names.length);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const ports = Object.fromEntries(names.map((name, index) => [name, own[index]]));
  writeFileSync(file, JSON.stringify(ports), { mode: 0o600 });
}

/** Starts `exm up` in a folder and waits until everything answers. */
export async function startUp(
  dir: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<UpProcess> {
  await keepPorts(dir);
  const readyFile = join(dir, 'ready');
  rmSync(readyFile, { force: true });
  const { child, ended, stdout, stderr } = spawnUp(dir, ['--ready-file', readyFile, ...args], env);
  // The file is there at once; what was written to a pipe may take another moment to come through it.
  const isReady = () => existsSync(readyFile) && stdout().endsWith('\n');
  await waitFor(() => isReady() || child.exitCode !== null, {
    timeoutMs: 240_000,
    describe: () => `exm up to be ready. It said:\n${stderr()}`,
  }).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  if (child.exitCode !== null) throw new Error(`exm up ended with ${child.exitCode}:\n${stderr()}`);
  const announced = JSON.parse(stdout()) as UpAnnouncement;
  return {
    process: child,
    announced,
    output: stderr,
    env: () => parseEnv(readFileSync(join(announced.dataDir, 'env'), 'utf8')) as Record<string, string>,
    children: () => recordedChildren(announced.dataDir),
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}

export function recordedChildren(dataDir: string): Record<string, number> {
  const records = JSON.parse(readFileSync(join(dataDir, 'children.json'), 'utf8')) as {
    name: string;
    pid: number;
  }[];
  return Object.fromEntries(records.map(({ name, pid }) => [name, pid]));
}

/** Ends whatever a test left running on a folder, be it because it failed. */
export async function endAll(dir: string): Promise<void> {
  for (const child of running) {
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await closed;
  }
  const dataDir = await openDataDir(join(dir, '.exm'));
  await endLeftChildren(dataDir, { tell: () => undefined, patienceMs: 10_000 });
  dataDir.release();
}

/** Runs another command beside it. */
export function exmIn(dir: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  return runExm(args, { env: plainEnvironment(env), cwd: dir });
}
