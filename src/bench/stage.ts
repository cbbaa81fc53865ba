import type { Database } from '../db/connect.ts';

/**
 * What a measurement has: an installation of its own, in one temporary folder and on loopback. Each part starts when it is
 * first asked for, and all are ended at the end.
 */
export interface BenchStage {
  /** The size to use where the full one would be this: 1 to 1 at `--size full`, a tenth at `short`; at least 100. */
  size(full: number): number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Progress for the person who waits. */
  tell(line: string): void;
  /** Environment of this installation's processes. Starts PostgreSQL and Temporal. */
  environment(): Promise<Readonly<Record<string, string>>>;
  /** The installation's database, with its schema. */
  database(): Promise<Database>;
  /** A mail server that only counts, in a process of its own. */
  receiver(): Promise<BenchReceiver>;
  /** Starts `exm worker <args>` and waits until it is ready. */
  startWorker(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<BenchProcess>;
  /** CPU time that PostgreSQL and Temporal have used since their start, all their processes, milliseconds. */
  engineCpuMs(): Promise<{ readonly postgres: number; readonly temporal: number }>;
  /** Runs a module of `dist/src/bench` as a process of its own, with an IPC channel; ended with the stage. */
  startProgram(module: string, args?: readonly string[]): BenchProgram;
  /** Temporary, for files. */
  readonly folder: string;
}

export interface BenchProcess {
  readonly pid: number;
  /** User and system time since its start, milliseconds. */
  cpuMs(): number;
  /** Resident memory, bytes: now, and at the most so far. */
  memory(): { readonly now: number; readonly peak: number };
  /** A planned stop. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): void;
}

export interface BenchProgram extends BenchProcess {
  send(message: unknown): void;
  /** The next message that it sends. @throws FailedError BENCH_PROGRAM where it ends before */
  next<T>(): Promise<T>;
}

export interface ReceiverStats {
  /** Messages accepted, and the bytes of their content. */
  readonly messages: number;
  readonly bytes: number;
  /** When the first and the last one were accepted, as Date.now() says it; 0 where none was. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Connections that were opened. */
  readonly connections: number;
}

export interface BenchReceiver {
  /** For `--smtp`. */
  readonly url: string;
  readonly port: number;
  stats(): Promise<ReceiverStats>;
  /** Counts from nothing again. */
  reset(): Promise<void>;
  /** Keeps all answers back, until told otherwise: a mail server that has fallen silent. */
  hold(held: boolean): Promise<void>;
  cpuMs(): number;
}
