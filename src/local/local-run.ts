import type { Environment } from '../config/environment.ts';
import { supervisorPatienceMs } from '../domain/stop-times.ts';
import type { Child } from './child.ts';
import { ChildrenRecord } from './children-record.ts';
import type { DataDir } from './data-dir.ts';
import { type RunningPart, SupervisedPart } from './part.ts';
import { PartPorts } from './part-ports.ts';
import { type ProgramOptions, type RunningProgram, startProgram } from './program.ts';
import { StillWaiting } from './still-waiting.ts';
import { supervisedEnvironment } from './supervision.ts';

export interface LocalPartsOptions {
  readonly dataDir: string;
  /** Workers of the role dedicated-dispatch, named dispatch-1 and so on. Default 2; 0 leaves dispatching to others. */
  readonly dispatchers?: number;
  /** The real environment: what it names (DATABASE_URL, TEMPORAL_ADDRESS, EXM_SMTP_URL) is used and not started. */
  readonly env: Environment;
  /** Told what is going on: once per step, and when a part dies or runs again. */
  readonly tell: (line: string) => void;
  /** Gives up the start. What was started until then is stopped. */
  readonly signal?: AbortSignal;
  /** Ends the workers at once instead of waiting until they have finished what they are at. */
  readonly hurry?: AbortSignal;
}

/** The domain that bounces come back to; undefined where there is none. */
export function bounceDomainOf({ options, env }: LocalRun): string | undefined {
  return options.env['EXM_BOUNCE_DOMAIN'] || env['EXM_BOUNCE_DOMAIN'];
}

/** The mail catcher has nothing to finish: mail that it has not answered is sent again. Milliseconds. */
const engineStopMaximumMs = 10_000;

/** What belongs to one run of the local parts: its folder, its ports, its processes, and the environment they share. */
export class LocalRun {
  readonly options: LocalPartsOptions;
  readonly dir: DataDir;
  readonly ports: PartPorts;
  readonly children: ChildrenRecord;
  /** What a process needs to find the parts; grows as they start. */
  readonly env: Record<string, string> = {};
  /** In the order of their start; stopped in the reverse order, after the workers. */
  readonly #engines: SupervisedPart[] = [];
  readonly #workers: SupervisedPart[] = [];
  /** The processes of the workers, also of those that are not ready yet. */
  readonly #workerProcesses = new Set<Child>();

  constructor(options: LocalPartsOptions, dir: DataDir) {
    this.options = options;
    this.dir = dir;
    this.ports = new PartPorts(dir, options.tell);
    this.children = new ChildrenRecord(dir);
    options.hurry?.addEventListener('abort', () => {
      for (const child of this.#workerProcesses) child.kill('SIGKILL');
    });
  }

  /** Starts something that the workers need, and keeps it running. */
  startEngine<R extends RunningPart>(name: string, start: (signal: AbortSignal) => Promise<R>): Promise<R> {
    return this.#supervise(name, start, this.#engines);
  }

  /** Starts a worker, and keeps it running. */
  startWorker<R extends RunningPart>(name: string, start: (signal: AbortSignal) => Promise<R>): Promise<R> {
    return this.#supervise(name, start, this.#workers);
  }

  /** Starts a worker of this program, in the environment of the parts. It is given the time that a planned stop may take. */
  startWorkerProgram(name: string, args: readonly string[], signal: AbortSignal): Promise<RunningProgram> {
    const { tell, hurry } = this.options;
    return this.#startProgram(name, ['worker', ...args], signal, {
      stopTimeoutMs: supervisorPatienceMs,
      onSpawn: (child) => {
        this.#workerProcesses.add(child);
        void child.exited.then(() => this.#workerProcesses.delete(child));
        if (hurry?.aborted) child.kill('SIGKILL');
      },
      onOverdue: () =>
        tell(`${name} did not stop within ${supervisorPatienceMs / 60_000} minutes and was ended`),
    });
  }

  /** Starts this same program with another command, in the environment of the parts. */
  startEngineProgram(name: string, args: readonly string[], signal: AbortSignal): Promise<RunningProgram> {
    return this.#startProgram(name, args, signal, { stopTimeoutMs: engineStopMaximumMs });
  }

  throwIfAborted(): void {
    this.options.signal?.throwIfAborted();
  }

  async stop(): Promise<void> {
    const waiting = new StillWaiting(this.options.tell);
    await Promise.all(this.#workers.map((worker) => waiting.on(worker.name, worker.stop())));
    waiting.end();
    for (const engine of this.#engines.toReversed()) await engine.stop();
    this.dir.release();
  }

  #startProgram(
    name: string,
    args: readonly string[],
    signal: AbortSignal,
    options: Pick<ProgramOptions, 'stopTimeoutMs' | 'onSpawn' | 'onOverdue'>,
  ): Promise<RunningProgram> {
    const record = this.children.add(name);
    return startProgram({
      args,
      env: { ...this.options.env, ...this.env, ...supervisedEnvironment },
      logFile: this.dir.logFile(name),
      signal,
      ...options,
      onSpawn: (child) => {
        record(child);
        options.onSpawn?.(child);
      },
    });
  }

  async #supervise<R extends RunningPart>(
    name: string,
    start: (signal: AbortSignal) => Promise<R>,
    parts: SupervisedPart[],
  ): Promise<R> {
    this.throwIfAborted();
    const { signal } = this.options;
    const part = new SupervisedPart<R>({
      name,
      start: (stop) => start(signal === undefined ? stop : AbortSignal.any([signal, stop])),
      logFile: this.dir.logFile(name),
      tell: this.options.tell,
    });
    parts.push(part);
    return part.start();
  }
}
