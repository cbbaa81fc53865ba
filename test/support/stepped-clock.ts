import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packagePath } from '../../src/package-path.ts';

/** A clock that a test can set. */
export interface SteppedClock {
  /** What a process needs in its environment to go by it. */
  readonly env: Record<string, string>;
  /** Sets it so many milliseconds off the real time. */
  set(offsetMs: number): void;
}

/** The clock of processes of Node.js. @param dir where it is kept */
export function nodeClock(dir: string): SteppedClock {
  const file = join(dir, 'clock');
  writeFileSync(file, '0');
  const module = pathToFileURL(packagePath('test/support/shifted-clock.mjs')).href;
  return {
    env: { NODE_OPTIONS: `--import=${module}`, SHIFTED_CLOCK: file },
    set: (offsetMs) => writeFileSync(file, String(offsetMs)),
  };
}

/** Where libfaketime is: LIBFAKETIME names it, or it is installed. Undefined where it is not. */
export function findFaketime(): string | undefined {
  const named = process.env['LIBFAKETIME'];
  if (named !== undefined) return existsSync(named) ? named : undefined;
  return ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib']
    .map((folder) => `${folder}/faketime/libfaketime.so.1`)
    .find((path) => existsSync(path));
}

/** The clock of any program, by libfaketime. @param dir where it is kept; the program's account must be able to read it */
export function faketimeClock(library: string, dir: string): SteppedClock {
  const file = join(dir, 'clock');
  writeFileSync(file, '+0', { mode: 0o644 });
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set: (offsetMs) => writeFileSync(file, `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1_000}`),
  };
}
