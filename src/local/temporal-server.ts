import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { FailedError } from '../domain/errors.ts';
import { searchAttributes } from '../domain/names.ts';
import { type Child, describeExit, lastLines, startChild } from './child.ts';

export interface TemporalServerOptions {
  /** Path of the program `temporal`. */
  readonly binary: string;
  readonly port: number;
  readonly uiPort: number;
  /** SQLite file that keeps everything. Without it nothing is kept. */
  readonly dbFile?: string;
  readonly logFile: string;
  /** Told at once that the process runs, before it is ready. */
  readonly onSpawn?: (child: Child) => void;
  /** Gives up the start; what was started is stopped. */
  readonly signal?: AbortSignal;
}

export interface LocalTemporal {
  /** host:port for TEMPORAL_ADDRESS. */
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
  readonly child: Child;
  stop(): Promise<void>;
}

const namespace = 'default';
/** So often the dev server may look for tasks of each kind, where there are any. */
const pollsPerSecond = 1_000;
const startTimeoutMs = 120_000;
const stopTimeoutMs = 20_000;

/** Besides the ports it is given the server chooses some itself, which another process may take before it listens. */
const attemptsToListen = 3;
const portWasTaken = /failed listening|address already in use/i;

/**
 * Starts Temporal's dev server with its Web UI, on loopback only, and waits until both answer and the search attributes
 * of this project are known.
 * @throws FailedError TEMPORAL_START with the server's last lines.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<LocalTemporal> {
  const { port, uiPort, dbFile } = options;
  const address = `127.0.0.1:${port}`;
  const uiUrl = `http://127.0.0.1:${uiPort}`;
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--headless=false'];
  args.push('--port', String(port), '--ui-port', String(uiPort), '--log-level', 'warn');
  // The file's defaults (rollback journal, a sync per write) cost half of the workflows per second.
  if (dbFile !== undefined) {
    mkdirSync(dirname(dbFile), { recursive: true, mode: 0o700 });
    args.push('--db-filename', dbFile);
    args.push('--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal');
  }
  for (const name of Object.values(searchAttributes)) args.push('--search-attribute', `${name}=Keyword`);
  // Campaigns share the dispatchers by fairness key.
  args.push('--dynamic-config-value', 'matching.enableFairness=true');
  // The dev server has one history shard, and a shard looks for tasks twenty times a second at the most: behind the first
  // twenty, each step of each workflow would wait up to 50 ms.
  for (const queue of ['transfer', 'timer', 'visibility'])
    args.push('--dynamic-config-value', `history.${queue}ProcessorMaxPollRPS=${pollsPerSecond}`);
  for (let attempt = 1; ; attempt++) {
    const child = startOnce(options, args);
    const stop = async () => {
      await child.stop('SIGTERM', stopTimeoutMs);
    };
    try {
      await waitUntilReady(child, address, uiUrl, options);
      return { address, namespace, uiUrl, child, stop };
    } catch (error) {
      await stop();
      if (attempt === attemptsToListen || !portWasTaken.test(child.output())) throw error;
    }
  }
}

function startOnce(options: TemporalServerOptions, args: readonly string[]): Child {
  return startChild({
    command: options.binary,
    args,
    env: withoutTemporalSettings(process.env),
    logFile: options.logFile,
    onSpawn: options.onSpawn,
  });
}

/** TEMPORAL_* variables are for clients; the dev server's own flags read some of them, too. */
function withoutTemporalSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

async function waitUntilReady(
  child: Child,
  address: string,
  uiUrl: string,
  { logFile, signal }: TemporalServerOptions,
): Promise<void> {
  const until = performance.now() + startTimeoutMs;
  let waitingFor = '';
  for (;;) {
    signal?.throwIfAborted();
    if (child.exit !== undefined) {
      throw new FailedError(
        'TEMPORAL_START',
        `Temporal's dev server ${describeExit(child.exit)}:\n${lastLines(child.output())}`,
        { field: logFile, hint: 'Its log says more; with TEMPORAL_ADDRESS set none is started here.' },
      );
    }
    try {
      waitingFor = `gRPC at ${address}`;
      await checkFrontend(address);
      waitingFor = `its Web UI at ${uiUrl}`;
      const response = await fetch(uiUrl, { signal: AbortSignal.timeout(5_000) });
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not yet.
    }
    if (performance.now() > until) {
      throw new FailedError(
        'TEMPORAL_START',
        `Temporal's dev server runs, but ${waitingFor} does not answer:\n${lastLines(child.output())}`,
        { field: logFile, hint: 'Its log says more.' },
      );
    }
    await sleep(100);
  }
}

/** @throws where the frontend doesn't answer, or doesn't know the namespace or the search attributes yet. */
async function checkFrontend(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: '2s' });
  try {
    await connection.withDeadline(Date.now() + 5_000, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
      for (const name of Object.values(searchAttributes)) {
        if (customAttributes?.[name] === undefined) throw new Error(`search attribute ${name} is missing`);
      }
    });
  } finally {
    await connection.close();
  }
}
