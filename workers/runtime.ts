import { hostname } from 'node:os';
import type { Environment } from '../src/config/environment.ts';
import { readSettings, type Settings } from '../src/config/settings.ts';
import { closeDatabase, connectDatabase, type Database, pingDatabase } from '../src/db/connect.ts';
import { requireCurrentSchema } from '../src/db/migrate.ts';
import { type ServerRow, startServerPresence } from '../src/db/server-presence.ts';
import { messageOf } from '../src/domain/error-message.ts';
import { createLogger, type Logger } from '../src/logging.ts';
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
}

/** A role that runs. */
export interface RunningRole {
  /** What `exm worker` prints when it is ready, e.g. `http://127.0.0.1:8480`; empty where there is no address. */
  readonly address: string;
  /** Settles when the role ended: after `stop`, or rejected because something broke for good. */
  readonly done: Promise<void>;
  /** A planned stop: finishes or hands back what is in progress, loses and repeats nothing. Called once. */
  stop(): Promise<void>;
}

export interface RunRoleOptions {
  readonly role: Role;
  readonly name: string;
  readonly env: Environment;
  /** For dispatchers: pool, threads and Sleep, as shown in `exm campaign status`. */
  readonly presence?: Partial<Pick<ServerRow, 'pool' | 'threads' | 'sleepMs'>>;
  readonly start: (context: RoleContext) => Promise<RunningRole>;
  readonly onReady?: (running: RunningRole) => void;
}

/** A start that has not finished so long after a stop was asked for is given up. Milliseconds. */
const startPatienceMs = 30_000;
/** What a role leaves open when it has ended (a connection whose other side is silent) keeps its process no longer. Milliseconds. */
const endPatienceMs = 10_000;

/**
 * One worker process from start to stop: settings and keys are checked, the database must answer and have this
 * program's schema, then the role starts, and stops on SIGTERM or SIGINT. A stop that is asked for during the start
 * comes right after it.
 *
 * @throws InputError, UnavailableError or FailedError before anything was started.
 */
export async function runRole(options: RunRoleOptions): Promise<void> {
  const settings = readSettings(options.env);
  const log = createLogger(`${options.role}/${options.name}`);
  const stop = listenForStop();
  const db = connectDatabase(settings.databaseUrl, {
    applicationName: `exm ${options.role} ${options.name}`,
    onIdleError: (error) => log.warn({ err: messageOf(error) }, 'database connection lost while idle'),
  });
  let endedWell = false;
  try {
    const giveUp = giveUpHungStart(stop, log);
    await pingDatabase(db, settings.databaseUrl);
    await requireCurrentSchema(db);
    const presence = await startServerPresence(db, {
      name: options.name,
      role: options.role,
      host: hostname(),
      pid: process.pid,
      pool: options.presence?.pool ?? '',
      threads: options.presence?.threads ?? 0,
      sleepMs: options.presence?.sleepMs ?? 0,
    });
    try {
      const running = await options.start({ name: options.name, env: options.env, settings, db, log });
      giveUp.cancel();
      const stopped = stop.asked.then(async (cause) => {
        log.info({ cause }, 'stopping: no new work is taken, work in progress is finished or handed back');
        await running.stop();
      });
      log.info({ address: running.address || undefined }, 'ready');
      options.onReady?.(running);
      await Promise.race([running.done, stopped]);
      await running.done;
      log.info('stopped');
      endedWell = true;
    } finally {
      giveUp.cancel();
      setTimeout(() => process.exit(process.exitCode ?? (endedWell ? 0 : 1)), endPatienceMs).unref();
      await presence.stop();
    }
  } finally {
    await closeDatabase(db);
  }
}

/** Ends the process where a stop is asked for and the start does not come to an end. */
function giveUpHungStart({ asked }: StopRequest, log: Logger): { cancel(): void } {
  let cancelled = false;
  let timer: NodeJS.Timeout | undefined;
  void asked.then((cause) => {
    if (cancelled) return;
    log.info({ cause }, 'stopping as soon as the start is finished');
    timer = setTimeout(() => {
      log.error({ cause }, 'the start did not finish: ending without it');
      process.exit(1);
    }, startPatienceMs).unref();
  });
  return {
    cancel() {
      cancelled = true;
      clearTimeout(timer);
    },
  };
}
