import { type ChildProcess, spawn } from 'node:child_process';
import { packagePath } from '../../src/package-path.ts';
import { waitFor } from './wait-for.ts';

export interface WorkerProcess {
  readonly process: ChildProcess;
  /** What its ready line says, e.g. `http://127.0.0.1:40123`; empty where there is no address. */
  readonly address: string;
  /** A planned stop: SIGTERM, and waits for the end. Returns the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT: a process that hangs, and wakes up later. */
  freeze(): void;
  thaw(): void;
  /** All it has written to stderr. */
  log(): string;
}

/** Runs `exm worker ...` as a process, and waits until it says that it is ready. @throws Error with its log. */
export async function startWorkerProcess(
  args: readonly string[],
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly cwd: string;
    readonly onStart?: (child: ChildProcess) => void;
  },
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [packagePath('bin/exm.js'), 'worker', ...args], {
    env: options.env,
    cwd: options.cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  options.onStart?.(child);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const ready = await waitFor(() => readyLine(log) ?? (hasEnded() ? 'ended' : undefined), {
    describe: () => `the worker ${args.join(' ')} to be ready. Its log:\n${log}`,
  }).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  if (ready === 'ended') {
    await ended;
    throw new Error(`the worker ${args.join(' ')} ended (code ${child.exitCode}). Its log:\n${log}`);
  }
  return {
    process: child,
    address: ready.address,
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    log: () => log,
  };
}

/** The log's line with `"msg":"ready"`. */
function readyLine(log: string): { readonly address: string } | undefined {
  for (const line of log.split('\n')) {
    if (!line.includes('"ready"')) continue;
    try {
      const { msg, address } = JSON.parse(line) as { msg?: string; address?: string };
      if (msg === 'ready') return { address: address ?? '' };
    } catch {
      // Half a line, or not one of the log.
    }
  }
  return undefined;
}
