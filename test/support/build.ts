import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { acquireProcessLock } from '../../src/local/process-lock.ts';
import { packagePath } from '../../src/package-path.ts';

/** Builds dist/, from which `bin/exm.js` runs, where a source file is newer than the last build. */
export async function buildWhereStale(): Promise<void> {
  if (!isStale()) return;
  const lock = await lockBuild();
  try {
    if (isStale())
      await promisify(execFile)('npm', ['run', 'build'], { cwd: packagePath('.'), shell: false });
  } catch (error) {
    // Tests of single functions go on; those of the command line run what was built. "npm test" builds beforehand and stops.
    const { stdout, message } = error as Error & { stdout?: string };
    process.stderr.write(`The build failed:\n${(stdout || message).slice(0, 2_000)}\n`);
  } finally {
    lock.release();
  }
}

async function lockBuild() {
  for (;;) {
    const { lock } = await acquireProcessLock(packagePath('node_modules/.cache/exm-build.lock'));
    if (lock !== undefined) return lock;
    await sleep(200);
  }
}

function isStale(): boolean {
  const built = statSync(packagePath('dist/.tsbuildinfo'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return ['src', 'workflows', 'activities', 'workers'].some((folder) => newest(packagePath(folder)) > built);
}

function newest(folder: string): number {
  return Math.max(
    0,
    ...readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
}
