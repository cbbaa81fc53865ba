import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessRecord, recordProcess } from './process-identity.ts';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Both outputs are appended to it. Kept: this run and, above 10 MB, the one before as `<logFile>.1`. */
  readonly logFile: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Told at once that it runs, before it is ready for anything. */
  readonly onSpawn?: ((child: Child) => void) | undefined;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set where the program could not be started at all. */
  readonly error?: Error;
}

export interface Child {
  readonly record: ProcessRecord;
  readonly exited: Promise<ChildExit>;
  /** Undefined while it runs. */
  readonly exit: ChildExit | undefined;
  /** What it has written since its start, at most the last `maxBytes` of it. */
  output(maxBytes?: number): string;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to stop, and ends it for good if it still runs after `graceMs`, which is told. Settles when it has ended. */
  stop(signal: NodeJS.Signals, graceMs: number, onOverdue?: () => void): Promise<ChildExit>;
}

const rotateAboveBytes = 10_000_000;

/**
 * Starts a program in a process group of its own, so that a Ctrl-C in the terminal reaches only us and we stop the
 * parts in their order. It writes straight to its log file: it loses no line and does not fail when we are killed.
 */
export function startChild(options: ChildOptions): Child {
  mkdirSync(dirname(options.logFile), { recursive: true });
  if ((statSync(options.logFile, { throwIfNoEntry: false })?.size ?? 0) > rotateAboveBytes) {
    renameSync(options.logFile, `${options.logFile}.1`);
  }
  const log = openSync(options.logFile, 'a', 0o600);
  const from = fstatSync(log).size;
  let process: ChildProcess;
  try {
    process = spawn(options.command, options.args, {
      env: options.env as NodeJS.ProcessEnv,
      stdio: ['ignore', log, log],
      detached: true,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
    });
  } finally {
    closeSync(log);
  }
  const pid = process.pid;
  let exit: ChildExit | undefined;
  const exited = new Promise<ChildExit>((resolve) => {
    process.once('error', (error) => {
      if (process.pid === undefined) resolve({ code: null, signal: null, error });
    });
    process.once('exit', (code, signal) => resolve({ code, signal }));
  }).then((how) => {
    exit = how;
    return how;
  });
  const child: Child = {
    record: (pid === undefined ? undefined : recordProcess(pid)) ?? { pid: pid ?? 0, identity: '' },
    exited,
    get exit() {
      return exit;
    },
    output: (maxBytes = 64_000) => readTail(options.logFile, from, maxBytes),
    kill: (signal) => void process.kill(signal),
    async stop(signal, graceMs, onOverdue) {
      if (exit !== undefined) return exit;
      process.kill(signal);
      await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
      if (exit === undefined) {
        onOverdue?.();
        process.kill('SIGKILL');
      }
      return exited;
    },
  };
  if (pid !== undefined) options.onSpawn?.(child);
  return child;
}

/** The last `maxBytes` of a file from position `from` on. Empty where the file is gone. */
export function readTail(file: string, from: number, maxBytes: number): string {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(handle);
    const start = Math.max(from, size - maxBytes);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    return buffer.toString('utf8', 0, readSync(handle, buffer, 0, buffer.length, start));
  } finally {
    closeSync(handle);
  }
}

/** The last lines of a program's output, indented, for an error message. */
export function lastLines(output: string, count = 10): string {
  return output
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map((line) => `    ${line.slice(0, 400)}`)
    .join('\n');
}

/** How a program ended, in words. */
export function describeExit(exit: ChildExit): string {
  if (exit.error !== undefined) return `could not be started: ${exit.error.message}`;
  return exit.signal === null ? `ended with code ${exit.code}` : `was ended by ${exit.signal}`;
}
