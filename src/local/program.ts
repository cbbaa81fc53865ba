import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError } from '../domain/errors.ts';
import { packagePath } from '../package-path.ts';
import { type Child, describeExit, lastLines, startChild } from './child.ts';
import type { RunningPart } from './part.ts';

export interface ProgramOptions {
  /** Arguments of `exm`. */
  readonly args: readonly string[];
  /** Arguments of Node.js itself. */
  readonly nodeArgs?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** How long a planned stop may take until it is cut short. */
  readonly stopTimeoutMs: number;
  /** Told where it was. */
  readonly onOverdue?: (() => void) | undefined;
  /** Told at once that the process runs, before it is ready. */
  readonly onSpawn?: ((child: Child) => void) | undefined;
  /** Gives up the start; what was started is stopped. */
  readonly signal?: AbortSignal;
}

export interface RunningProgram extends RunningPart {
  /** What its ready line says, e.g. `http://127.0.0.1:8480`; empty where it has no address. */
  readonly address: string;
}

/** By itself glibc keeps memory of its own for each thread, of which Temporal's SDK has many: some 20 MB of a dispatcher. */
const allocator = { MALLOC_ARENA_MAX: '2' } as const;
/**
 * Of the young part of V8's heap, which takes three times as much: 30 MB of a dispatcher less than with the 16 that are usual,
 * for the same CPU time.
 */
const youngMegabytes = 4;
const readyTimeoutMs = 180_000;
/** Far more than any of our programs writes before it is ready. */
const readyWithinBytes = 1_000_000;

/**
 * Starts this same program with another command, and waits until its log says that it is ready.
 * @throws FailedError PROGRAM_START with its last lines.
 */
export async function startProgram(options: ProgramOptions): Promise<RunningProgram> {
  const { args, nodeArgs = [], env, logFile, stopTimeoutMs, signal } = options;
  const child = startChild({
    command: process.execPath,
    args: [`--max-semi-space-size=${youngMegabytes}`, ...nodeArgs, packagePath('bin/exm.js'), ...args],
    env: { ...allocator, ...env },
    logFile,
    onSpawn: options.onSpawn,
  });
  const stop = async () => {
    await child.stop('SIGTERM', stopTimeoutMs, options.onOverdue);
  };
  const until = performance.now() + readyTimeoutMs;
  for (;;) {
    const address = readyAddress(child);
    if (address !== undefined) return { child, address, stop };
    if (signal?.aborted) {
      await stop();
      throw signal.reason;
    }
    if (child.exit !== undefined || performance.now() > until) {
      const how = child.exit === undefined ? 'did not become ready' : describeExit(child.exit);
      const output = lastLines(child.output());
      await stop();
      throw new FailedError('PROGRAM_START', `exm ${args.slice(0, 2).join(' ')} ${how}:\n${output}`, {
        field: logFile,
        hint: 'Its log says more; "exm doctor" says what is reachable.',
      });
    }
    await sleep(100);
  }
}

/** The address in the log's line `{"msg":"ready",...}`. Undefined until there is such a line. */
function readyAddress(child: Child): string | undefined {
  for (const line of child.output(readyWithinBytes).split('\n')) {
    if (!line.includes('"ready"')) continue;
    try {
      const { msg, address } = JSON.parse(line) as { msg?: unknown; address?: unknown };
      if (msg === 'ready') return typeof address === 'string' ? address : '';
    } catch {
      // Half a line so far.
    }
  }
  return undefined;
}
