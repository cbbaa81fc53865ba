import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Environment } from '../config/environment.ts';
import { FailedError } from '../domain/errors.ts';
import { downloadTemporal, goInstallTemporal, type Progress, temporalVersion } from './install-temporal.ts';
import { makeFolder } from './make-folder.ts';
import { acquireProcessLock } from './process-lock.ts';
import { userCacheDir } from './user-cache.ts';

const run = promisify(execFile);

export interface TemporalBinary {
  readonly path: string;
  readonly source: 'path' | 'cache' | 'download' | 'go-install';
}

const workDirPrefix = 'install-';
const executable = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

/**
 * Finds the program `temporal`, or installs it into the user's cache: on PATH, in the cache, by the SDK's own
 * download, by `go install`. Processes that install at the same time wait for each other, and a copy appears in the cache
 * only when it is complete.
 * @throws FailedError TEMPORAL_BINARY that tells what became of each of the four ways.
 */
export async function findTemporal(
  env: Environment,
  progress: Progress,
  signal?: AbortSignal,
): Promise<TemporalBinary> {
  const failures: string[] = [];
  const onPath = await tryBinaries(candidatesOnPath(env), failures, '"temporal" on PATH');
  if (onPath !== undefined) return { path: onPath, source: 'path' };

  const folder = join(userCacheDir(env), `temporal-${temporalVersion}`);
  const cached = join(folder, executable);
  const inCache = () => tryBinaries([cached], failures, `the copy in ${folder}`);
  if ((await inCache()) !== undefined) return { path: cached, source: 'cache' };

  let release: () => void;
  try {
    release = await lockInstallation(folder, progress, signal);
  } catch (error) {
    signal?.throwIfAborted();
    failures.push(`installing into ${folder}: ${(error as Error).message}`);
    throw notFound(failures);
  }
  try {
    // Another process may have installed it while we waited.
    if (existsSync(cached) && (await works(cached)) === undefined) return { path: cached, source: 'cache' };
    removeAbandonedWork(dirname(folder));
    for (const { source, name, install } of installers) {
      const workDir = mkdtempSync(join(dirname(folder), workDirPrefix));
      try {
        const installed = await install({ workDir, env, progress, signal });
        const wrong = await works(installed);
        if (wrong !== undefined) throw new Error(wrong);
        mkdirSync(folder, { recursive: true });
        renameSync(installed, cached);
        return { path: cached, source };
      } catch (error) {
        signal?.throwIfAborted();
        failures.push(`${name}: ${(error as Error).message}`);
      } finally {
        rmSync(workDir, { recursive: true, force: true });
      }
    }
  } finally {
    release();
  }
  throw notFound(failures);
}

function notFound(failures: readonly string[]): FailedError {
  return new FailedError(
    'TEMPORAL_BINARY',
    `Temporal's dev server was not found and could not be installed. Tried:\n${failures.map((line, index) => `  ${index + 1}. ${line}`).join('\n')}`,
    {
      field: 'PATH',
      hint: 'Put Temporal\'s command line "temporal" on PATH (https://docs.temporal.io/cli), or set TEMPORAL_ADDRESS to a running server.',
    },
  );
}

const installers = [
  { source: 'download', name: "the SDK's download", install: downloadTemporal },
  { source: 'go-install', name: '"go install"', install: goInstallTemporal },
] as const;

function candidatesOnPath(env: Environment): string[] {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, executable));
}

/** The first of these programs that works. Where there is none, says why in `failures`. */
async function tryBinaries(
  paths: readonly string[],
  failures: string[],
  name: string,
): Promise<string | undefined> {
  let why = 'not there';
  for (const path of paths.filter((candidate) => existsSync(candidate))) {
    const wrong = await works(path);
    if (wrong === undefined) return path;
    why = `${path}: ${wrong}`;
  }
  failures.push(`${name}: ${why}`);
  return undefined;
}

/** Undefined where the program is Temporal's command line with a dev server; otherwise what is wrong with it. */
async function works(path: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(path, ['server', 'start-dev', '--help'], { timeout: 60_000 });
    return stdout.includes('--db-filename') ? undefined : 'is another program, or has no dev server';
  } catch (error) {
    return `does not run: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** Waits until no other process installs. Returns the function that lets the next one go on. */
async function lockInstallation(
  folder: string,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<() => void> {
  makeFolder(dirname(folder));
  let told = false;
  for (;;) {
    const { lock, holder } = await acquireProcessLock(`${folder}.lock`);
    if (lock !== undefined) return () => lock.release();
    if (!told) progress(`Waiting for process ${holder.pid}, which installs Temporal's dev server`);
    told = true;
    await sleep(500, undefined, { ...(signal === undefined ? {} : { signal }) });
  }
}

/** Removes what an installation left that was killed in its middle. Called by the holder of the lock. */
function removeAbandonedWork(cache: string): void {
  for (const name of readdirSync(cache).filter((entry) => entry.startsWith(workDirPrefix))) {
    rmSync(join(cache, name), { recursive: true, force: true });
  }
}
