import { type ChildProcess, fork } from 'node:child_process';
import { FailedError } from '../domain/errors.ts';
import { packagePath } from '../package-path.ts';
import { cpuMsOf, memoryOf } from './processes.ts';
import type { BenchProgram } from './stage.ts';

/** How long a program that was asked to stop may take, milliseconds: none has anything to lose. */
const stopPatienceMs = 2_000;

/**
 * Runs a module of `dist/src/bench` in a process of its own. It is in a process group of its own, so that a Ctrl-C in the
 * terminal reaches only us, and it ends by itself where we are killed, for its channel is closed then.
 */
export function runProgram(
  module: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): BenchProgram {
  const child = fork(packagePath(`dist/src/bench/${module}`), args, {
    env: env as NodeJS.ProcessEnv,
    execArgv: [],
    detached: true,
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const pid = child.pid ?? 0;
  const messages = new Mailbox(child, module);
  const kill = () => void child.kill('SIGKILL');
  return {
    pid,
    cpuMs: () => cpuMsOf(pid),
    memory: () => memoryOf(pid),
    send: (message) => void child.send(message as object, () => undefined),
    next: <T>() => messages.next() as Promise<T>,
    kill,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.connected) child.disconnect();
      const overdue = setTimeout(kill, stopPatienceMs);
      await ended;
      clearTimeout(overdue);
    },
  };
}

interface Waiting {
  readonly resolve: (message: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Messages of a process, in their order, and those who wait for one. */
class Mailbox {
  readonly #kept: unknown[] = [];
  readonly #waiting: Waiting[] = [];
  #ended: Error | undefined;

  constructor(child: ChildProcess, name: string) {
    child.on('message', (message) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#kept.push(message);
      else waiting.resolve(message);
    });
    const end = (how: string) => {
      this.#ended ??= new FailedError('BENCH_PROGRAM', `The bench's program ${name} ${how}.`, {
        hint: 'What it wrote stands above.',
      });
      for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
    };
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => end(`ended (${signal ?? `code ${code}`})`));
  }

  async next(): Promise<unknown> {
    if (this.#kept.length > 0) return this.#kept.shift();
    if (this.#ended !== undefined) throw this.#ended;
    return await new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}
