import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../local/child.ts';
import { startProgram } from '../local/program.ts';
import { supervisedEnvironment } from '../local/supervision.ts';
import { type Engines, startEngines } from './engines.ts';
import { cpuMsOf, cpuMsOfFamily, memoryOf } from './processes.ts';
import { runProgram } from './program.ts';
import { startReceiver } from './receiver/start-receiver.ts';
import type { BenchProcess, BenchProgram, BenchReceiver, BenchStage } from './stage.ts';

export interface StageOptions {
  /** Of the full size: 1 is all of it. */
  readonly factor: number;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  /** Folder for CPU profiles of the dispatchers. Left out: none are made. */
  readonly profileFolder?: string | undefined;
}

export interface OpenStage extends BenchStage {
  /** Ends all that was started and removes the folder. */
  close(): Promise<void>;
  /** Of PostgreSQL and Temporal; undefined where no measurement has needed them. */
  versions(): Promise<{ readonly postgres: string | undefined; readonly temporal: string | undefined }>;
}

/** What a planned stop of a worker may take at a bench, milliseconds: nothing is lost with it. */
const workerStopMs = 60_000;
/** The rest is ended without ceremony: its data are removed. */
const endMs = 10_000;
const sizeMinimum = 100;
const none = { postgres: undefined, temporal: undefined } as const;

/** The size of a measurement whose full one is given. */
export function sizeOf(full: number, factor: number): number {
  return Math.max(Math.min(sizeMinimum, full), Math.round(full * factor));
}

/** Opens a stage: a temporary folder; everything else starts when it is first asked for. */
export function openStage({ factor, signal, tell, profileFolder }: StageOptions): OpenStage {
  const folder = mkdtempSync(join(tmpdir(), 'exm-bench-'));
  // Root's PostgreSQL runs under another account, which has to pass through.
  if (process.getuid?.() === 0) chmodSync(folder, 0o711);
  const engineProcesses: Child[] = [];
  const workers = new Set<Child>();
  const programs: BenchProgram[] = [];
  let starting: Promise<Engines> | undefined;
  let receiving: Promise<BenchReceiver> | undefined;
  let logs = 0;

  const engines = async () => {
    signal.throwIfAborted();
    starting ??= startEngines({ folder, tell, signal, onSpawn: (child) => engineProcesses.push(child) });
    return await starting;
  };
  const startOwn = (module: string, args: readonly string[] = []) => {
    signal.throwIfAborted();
    const program = runProgram(module, args, ownEnvironment());
    programs.push(program);
    return program;
  };
  return {
    folder,
    signal,
    tell,
    size: (full) => sizeOf(full, factor),
    environment: async () => (await engines()).env,
    database: async () => (await engines()).db,
    async receiver() {
      receiving ??= startReceiver(startOwn('receiver/main.js'));
      return await receiving;
    },
    async startWorker(args, more = {}) {
      const { env } = await engines();
      const program = await startProgram({
        args: ['worker', ...args],
        nodeArgs:
          profileFolder !== undefined && args[0] === 'dedicated-dispatch'
            ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]
            : [],
        env: { ...ownEnvironment(), ...env, ...more, ...supervisedEnvironment },
        logFile: join(folder, 'logs', `${args[0]}-${++logs}.log`),
        stopTimeoutMs: workerStopMs,
        signal,
        onSpawn: (child) => {
          workers.add(child);
          void child.exited.then(() => workers.delete(child));
        },
      });
      return processOf(program.child, program.stop);
    },
    startProgram: startOwn,
    async engineCpuMs() {
      const { postgres, temporal } = await engines();
      return { postgres: cpuMsOfFamily(postgres.record.pid), temporal: cpuMsOf(temporal.record.pid) };
    },
    versions: async () => (await starting?.catch(() => undefined))?.versions ?? none,
    async close() {
      const started = await starting?.catch(() => undefined);
      for (const program of programs) program.kill();
      await Promise.all([...workers].map((child) => child.stop('SIGKILL', endMs)));
      await started?.close().catch(() => undefined);
      // SIGQUIT is PostgreSQL's "immediate" shutdown, which ends the processes of its connections too.
      await Promise.all(engineProcesses.map((child) => child.stop('SIGQUIT', endMs)));
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Nothing of the user's installation: only what any program needs. */
function ownEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR, SystemRoot } = process.env;
  return { PATH, HOME, TMPDIR, SystemRoot };
}

function processOf(child: Child, stop: () => Promise<void>): BenchProcess {
  const { pid } = child.record;
  return {
    pid,
    cpuMs: () => cpuMsOf(pid),
    memory: () => memoryOf(pid),
    stop,
    kill: () => child.kill('SIGKILL'),
  };
}
