import type { Environment } from '../config/environment.ts';
import { ChildrenRecord } from './children-record.ts';
import type { DataDir } from './data-dir.ts';
import { type RunningPart, SupervisedPart } from './part.ts';
import { PartPorts } from './part-ports.ts';
import { type RunningProgram, startProgram } from './program.ts';
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
}

/** Longer than any drain should take; only ends a worker that hangs. */
const drainTimeoutMs = 120_000;

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

  constructor(options: LocalPartsOptions, dir: DataDir) {
    this.options = options;
    this.dir = dir;
    this.ports = new PartPorts(dir, options.tell);
    this.children = new ChildrenRecord(dir);
  }

  /** Starts something that the workers need, and keeps it running. */
  startEngine<R extends RunningPart>(name: string, start: (signal: AbortSignal) => Promise<R>): Promise<R> {
    return this.#supervise(name, start, this.#engines);
  }

  /** Starts a worker, and keeps it running. */
  startWorker<R extends RunningPart>(name: string, start: (signal: AbortSignal) => Promise<R>): Promise<R> {
    return this.#supervise(name, start, this.#workers);
  }

  /** Starts this same program with another command, in the environment of the parts. */
  startProgram(name: string, args: readonly string[], signal: AbortSignal): Promise<RunningProgram> {
    return startProgram({
      args,
      env: { ...this.options.env, ...this.env, ...supervisedEnvironment },
      logFile: this.dir.logFile(name),
      stopTimeoutMs: drainTimeoutMs,
      onSpawn: this.children.add(name),
      signal,
    });
  }

  throwIfAborted(): void {
    this.options.signal?.throwIfAborted();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    for (const engine of this.#engines.toReversed()) await engine.stop();
    this.dir.release();
  }

  hurry(): void {
    for (const worker of this.#workers) worker.running?.child.kill('SIGKILL');
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
