import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, type ProcessRecord, parseProcessRecord, recordProcess } from './process-identity.ts';

export interface ProcessLock {
  release(): void;
}

export type LockResult =
  | { readonly lock: ProcessLock; readonly holder?: undefined }
  | { readonly lock?: undefined; readonly holder: ProcessRecord };

/** A takeover takes microseconds; one that is older was cut off in its middle. */
const takeoverTimeoutMs = 10_000;

/**
 * Takes a lock that is a file with its holder in it. The lock of a process that runs no more is taken over, so a
 * killed holder blocks nobody. Among processes of one host only.
 */
export async function acquireProcessLock(path: string): Promise<LockResult> {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    if (createLock(path)) return { lock: { release: () => releaseLock(path) } };
    const holder = readHolder(path);
    if (holder !== undefined && isRunning(holder)) return { holder };
    // Only one process at a time may remove a dead one's lock: otherwise the second would remove the first's new one.
    const takeover = `${path}.takeover`;
    try {
      mkdirSync(takeover);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const age = Date.now() - (statSync(takeover, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      // Also one of the future: the clock was set back since.
      if (Math.abs(age) > takeoverTimeoutMs) rmSync(takeover, { recursive: true, force: true });
      await sleep(20);
      continue;
    }
    try {
      const still = readHolder(path);
      if (still === undefined || !isRunning(still)) rmSync(path, { force: true });
    } finally {
      rmdirSync(takeover);
    }
  }
}

/** Creates the file with its content in one step: nobody ever reads half a lock. */
function createLock(path: string): boolean {
  const own = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(own, JSON.stringify(recordProcess(process.pid) ?? { pid: process.pid, identity: '' }), {
    mode: 0o600,
  });
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function releaseLock(path: string): void {
  if (readHolder(path)?.pid === process.pid) rmSync(path, { force: true });
}

function readHolder(path: string): ProcessRecord | undefined {
  try {
    return parseProcessRecord(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
