import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Environment } from '../config/environment.ts';
import { lastLines } from './child.ts';

/** The last release of Temporal's command line that `go install` can build: the go.mod of later ones has a `replace`. */
export const temporalVersion = '1.5.1';

/** Told what is going on while the user waits. */
export type Progress = (line: string) => void;

export interface Installation {
  /** Empty folder for everything; the caller removes it. */
  readonly workDir: string;
  readonly env: Environment;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** No byte of a download in so long: there is no way out to the network. */
const downloadSilenceMs = 15_000;
const downloadTimeoutMs = 300_000;
const goInstallTimeoutMs = 1_800_000;
const progressIntervalMs = 10_000;

/**
 * Lets Temporal's SDK download its dev server. It runs in a process of its own, which is ended when it hangs, as the
 * SDK's native part cannot be interrupted.
 * @returns the path of the program, below `workDir`.
 * @throws Error with the reason in one line.
 */
export async function downloadTemporal({ workDir, env, progress, signal }: Installation): Promise<string> {
  const testing = createRequire(import.meta.url).resolve('@temporalio/testing');
  const script = `
    const { TestWorkflowEnvironment } = require(process.argv[1]);
    const executable = { type: 'cached-download', downloadDir: process.argv[2], version: process.argv[3] };
    TestWorkflowEnvironment.createLocal({ server: { executable } })
      .then((environment) => environment.teardown())
      .catch((error) => { console.error(error.message); process.exitCode = 1; });`;
  const child = spawn(process.execPath, ['-e', script, testing, workDir, `v${temporalVersion}`], {
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  const started = performance.now();
  let told = started;
  let bytes = 0;
  let grewAt = started;
  const watch = setInterval(() => {
    const now = performance.now();
    const size = sizeOfFiles(workDir);
    if (size > bytes) [bytes, grewAt] = [size, now];
    if (bytes > 0 && now - told >= progressIntervalMs) {
      told = now;
      progress(`Downloading Temporal's dev server: ${Math.round(bytes / 1e6)} MB`);
    }
    if (now - grewAt > downloadSilenceMs || now - started > downloadTimeoutMs) killGroup(child);
  }, 500);
  try {
    const { code, stderr } = await finished(child, signal);
    if (code !== 0) throw new Error(reasonOf(stderr) ?? 'nothing arrived; the network seems to be closed');
  } finally {
    clearInterval(watch);
  }
  const file = readdirSync(workDir)
    .map((name) => join(workDir, name))
    .find((path) => statSync(path).isFile());
  if (file === undefined) throw new Error('the download left no file');
  return file;
}

/**
 * Builds Temporal's command line from its source: some minutes and 2 GB of temporary files, which are removed.
 * @returns the path of the program, below `workDir`.
 * @throws Error with the reason.
 */
export async function goInstallTemporal({ workDir, env, progress, signal }: Installation): Promise<string> {
  const bin = join(workDir, 'bin');
  const folders = {
    GOMODCACHE: join(workDir, 'mod'),
    GOCACHE: join(workDir, 'build'),
    GOTMPDIR: join(workDir, 'tmp'),
  };
  for (const folder of [bin, ...Object.values(folders)]) mkdirSync(folder, { recursive: true });
  const started = performance.now();
  const tell = () =>
    progress(
      `Building Temporal's dev server with "go install", once for this user; this takes about five minutes (${Math.round((performance.now() - started) / 1000)} s so far)`,
    );
  // -modcacherw: Go writes its module cache read-only otherwise, and it could not be removed.
  const child = spawn('go', ['install', `github.com/temporalio/cli/cmd/temporal@v${temporalVersion}`], {
    cwd: workDir,
    env: {
      ...env,
      ...folders,
      GOBIN: bin,
      GOFLAGS: [env['GOFLAGS'], '-modcacherw'].filter(Boolean).join(' '),
      // Cross-compiling settings of the user's shell would make it install elsewhere.
      GOOS: undefined,
      GOARCH: undefined,
    } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  child.once('spawn', tell);
  const ticking = setInterval(tell, progressIntervalMs);
  const limit = setTimeout(() => killGroup(child), goInstallTimeoutMs);
  try {
    const { code, stderr } = await finished(child, signal);
    if (code !== 0) throw new Error(`failed:\n${lastLines(stderr, 5)}`);
  } finally {
    clearInterval(ticking);
    clearTimeout(limit);
    rmSync(folders.GOMODCACHE, { recursive: true, force: true });
  }
  const program = join(bin, process.platform === 'win32' ? 'temporal.exe' : 'temporal');
  if (!existsSync(program)) throw new Error('it succeeded, but left no program');
  return program;
}

function finished(
  child: ChildProcess,
  signal: AbortSignal | undefined,
): Promise<{ code: number | null; stderr: string }> {
  // Not left behind when we are interrupted.
  const end = () => killGroup(child);
  process.once('exit', end);
  signal?.addEventListener('abort', end);
  return new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-20_000);
    });
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error(`${child.spawnfile} is not installed`) : error),
    );
    child.once('close', (code) => resolve({ code, stderr }));
  }).finally(() => {
    process.removeListener('exit', end);
    signal?.removeEventListener('abort', end);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** The innermost reason of the SDK's chain of errors: its last sentence without the address it repeats. */
function reasonOf(stderr: string): string | undefined {
  const line = stderr.trim().split('\n').at(-1)?.trim();
  return line === undefined || line === '' ? undefined : line.slice(0, 300);
}

function sizeOfFiles(folder: string): number {
  return readdirSync(folder)
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}
