import { hostname } from 'node:os';
import type { Registry } from 'prom-client';
import type { Environment } from '../src/config/environment.ts';
import { fingerprint } from '../src/config/keys.ts';
import { readSettings, type Settings } from '../src/config/settings.ts';
import { closeDatabase, connectDatabase, type Database, pingDatabase } from '../src/db/connect.ts';
import { requireCurrentSchema } from '../src/db/migrate.ts';
import { type ServerPresence, type ServerRow, startServerPresence } from '../src/db/server-presence.ts';
import { messageOf } from '../src/domain/error-message.ts';
import { FailedError } from '../src/domain/errors.ts';
import { endMaximumMs, stopMaximumMs } from '../src/domain/stop-times.ts';
import { createLogger, type Logger } from '../src/logging.ts';
import { pairsOf } from '../src/tracking/links/token.ts';
import { endsWithin } from './ends-within.ts';
import type { ListenOptions } from './listen.ts';
import { type MetricsServer, serveMetrics } from './metrics.ts';
import { keepHeapSmall } from './small-heap.ts';
import { listenForStop, type StopRequest } from './stop-request.ts';

export const roles = [
  'primary',
  'dedicated-dispatch',
  'content-delivery',
  'processing',
  'reporting',
] as const;
export type Role = (typeof roles)[number];

/** What every role gets once its settings are checked and its database answers. */
export interface RoleContext {
  readonly name: string;
  readonly env: Environment;
  readonly settings: Settings;
  readonly db: Database;
  readonly log: Logger;
  /** Where the role adds its figures; undefined where nobody asked for any. */
  readonly metrics?: Registry | undefined;
  /** Aborted where a stop is asked for. What aborts it during the start: the role must not take work any more. */
  readonly stop: AbortSignal;
}

/** A role that runs. */
export interface RunningRole {
  /** What `exm worker` prints when it is ready, e.g. `http://127.0.0.1:8480`; empty where there is no address. */
  readonly address: string;
  /** Settles when the role ended: by `stop`, or rejected because something broke for good. */
  readonly done: Promise<void>;
  /** A planned stop: finishes or hands back what is in progress, loses and repeats nothing. Settles when all is closed. Called once. */
  stop(): Promise<void>;
}

export interface RunRoleOptions {
  readonly role: Role;
  readonly name: string;
  readonly env: Environment;
  /** For dispatchers: pool, threads and Sleep, as shown in `exm campaign status`. */
  readonly presence?: Partial<Pick<ServerRow, 'pool' | 'threads' | 'sleepMs'>>;
  /** Where to serve figures for Prometheus; nowhere if left out. */
  readonly metrics?: ListenOptions | undefined;
  readonly start: (context: RoleContext) => Promise<RunningRole>;
  readonly onReady?: (running: RunningRole) => void;
}

/** How long a start that is given up may take to notice. Milliseconds. */
const givenUpMaximumMs = 5_000;
/** Of the time for the end, what closing connections to the database may take. Milliseconds. */
const closeMaximumMs = 1_000;
/**
 * A transaction's next statement follows at once, unless the process is frozen or cut off. Then whoever takes over must
 * not wait for what it has locked longer than Temporal takes to notice. Milliseconds.
 */
const idleInTransactionMs = 10_000;
/**
 * How long a query may take, of the roles that have short ones alone: what takes longer is a connection that fell silent, and
 * it is tried again over another one. A dedicated dispatcher reads by the hundred; behind content-delivery people wait,
 * and connections that are given up by nobody but TCP would keep all its pages from them for minutes. Milliseconds.
 */
const queryTimeoutsMs: Partial<Record<Role, number>> = {
  'dedicated-dispatch': 30_000,
  'content-delivery': 5_000,
};

/**
 * One worker process from start to stop: settings and keys are checked, the database must answer and have this
 * program's schema, then the role starts, and stops on SIGTERM or SIGINT. A stop that is asked for during the start
 * gives it up: nothing takes work until the start is finished.
 *
 * What did not end by itself (a connection whose other side is silent) is left open: the process is to be ended.
 *
 * @throws InputError, UnavailableError or FailedError before anything was started.
 * @throws FailedError STOP_INCOMPLETE where the stop does not come to an end.
 */
export async function runRole(options: RunRoleOptions): Promise<void> {
  keepHeapSmall();
  const settings = readSettings(options.env);
  const log = createLogger(`${options.role}/${options.name}`);
  const stop = listenForStop();
  const queryTimeoutMs = queryTimeoutsMs[options.role];
  const db = connectDatabase(settings.databaseUrl, {
    applicationName: `exm ${options.role} ${options.name}`,
    idleInTransactionMs,
    ...(queryTimeoutMs === undefined ? {} : { queryTimeoutMs }),
    onIdleError: (error) => log.warn({ err: messageOf(error) }, 'database connection lost while idle'),
  });
  let presence: ServerPresence | undefined;
  let metrics: MetricsServer | undefined;
  let isPlanned = false;
  try {
    const starting = (async () => {
      await pingDatabase(db, settings.databaseUrl);
      await requireCurrentSchema(db);
      stop.signal.throwIfAborted();
      if (options.metrics !== undefined) {
        metrics = await serveMetrics(options.metrics, { role: options.role, server: options.name });
        log.info({ address: metrics.address }, 'metrics');
      }
      presence = await enterServer(db, options, pairsOf(settings.keys).map(fingerprint));
      stop.signal.throwIfAborted();
      return await options.start({
        name: options.name,
        env: options.env,
        settings,
        db,
        log,
        metrics: metrics?.registry,
        stop: stop.signal,
      });
    })();
    const running = await unlessStopped(starting, stop, log);
    if (running !== undefined) {
      log.info({ address: running.address || undefined }, 'ready');
      options.onReady?.(running);
      await runUntilStopped(running, stop, log, async () => await presence?.stopping());
    }
    isPlanned = true;
  } finally {
    metrics?.close();
    await endsWithin(presence?.end(isPlanned) ?? Promise.resolve(), endMaximumMs - closeMaximumMs);
    await endsWithin(closeDatabase(db), closeMaximumMs);
    if (isPlanned) log.info('stopped');
  }
}

async function enterServer(
  db: Database,
  { name, role, presence }: RunRoleOptions,
  readsKeys: string[],
): Promise<ServerPresence> {
  return await startServerPresence(db, {
    name,
    role,
    host: hostname(),
    pid: process.pid,
    pool: presence?.pool ?? '',
    threads: presence?.threads ?? 0,
    sleepMs: presence?.sleepMs ?? 0,
    readsKeys,
  });
}

/** @returns undefined where a stop was asked for first */
async function unlessStopped(
  starting: Promise<RunningRole>,
  { asked, signal }: StopRequest,
  log: Logger,
): Promise<RunningRole | undefined> {
  try {
    const first = await Promise.race([
      starting.then((started) => ({ started })),
      asked.then((cause) => ({ cause })),
    ]);
    if ('started' in first) return first.started;
    log.info({ cause: first.cause }, 'stopping: the start is given up');
    // It may be at its last step: what it has opened by now is closed again.
    await endsWithin(
      starting.then(async (running) => await running.stop()),
      givenUpMaximumMs,
    );
    return undefined;
  } catch (error) {
    // What a start that is given up fails of is nobody's concern.
    if (signal.aborted) return undefined;
    throw error;
  } finally {
    starting.catch(() => undefined);
  }
}

/** @throws what the role died of; FailedError STOP_INCOMPLETE */
async function runUntilStopped(
  running: RunningRole,
  stop: StopRequest,
  log: Logger,
  isStopping: () => Promise<void>,
): Promise<void> {
  const stopped = stop.asked.then(async (cause) => {
    log.info({ cause }, 'stopping: no new work is taken, work in progress is finished or handed back');
    void isStopping();
    const stopping = running.stop();
    if (await endsWithin(stopping, stopMaximumMs - endMaximumMs)) return await stopping;
    throw new FailedError(
      'STOP_INCOMPLETE',
      `The worker did not come to its end within ${stopMaximumMs / 60_000} minutes.`,
      { hint: 'Look at what it works with, and at steps of your own: one of them did not answer.' },
    );
  });
  // Heard of below; before, nobody may be waiting for it.
  stopped.catch(() => undefined);
  await Promise.race([running.done, stopped]);
  if (stop.signal.aborted) await stopped;
}
