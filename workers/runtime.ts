import { hostname } from 'node:os';
import type { Environment } from '../src/config/environment.ts';
import { readSettings, type Settings } from '../src/config/settings.ts';
import { closeDatabase, connectDatabase, type Database, pingDatabase } from '../src/db/connect.ts';
import { requireCurrentSchema } from '../src/db/migrate.ts';
import { type ServerRow, startServerPresence } from '../src/db/server-presence.ts';
import { messageOf } from '../src/domain/error-message.ts';
import { onOrphaned } from '../src/local/supervision.ts';
import { createLogger, type Logger } from '../src/logging.ts';

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

/**
 * One worker process from start to stop: settings and keys are checked, the database must answer and have this
 * program's schema, then the role starts, and stops on SIGTERM or SIGINT.
 *
 * @throws InputError, UnavailableError or FailedError before anything was started.
 */
export async function runRole(options: RunRoleOptions): Promise<void> {
  const settings = readSettings(options.env);
  const log = createLogger(`${options.role}/${options.name}`);
  const db = connectDatabase(settings.databaseUrl, {
    applicationName: `exm ${options.role} ${options.name}`,
    onIdleError: (error) => log.warn({ err: messageOf(error) }, 'database connection lost while idle'),
  });
  try {
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
      const stopped = stopOnSignal(running, log);
      log.info({ address: running.address || undefined }, 'ready');
      options.onReady?.(running);
      await Promise.race([running.done, stopped]);
      await running.done;
      log.info('stopped');
    } finally {
      await presence.stop();
    }
  } finally {
    await closeDatabase(db);
  }
}

/** Settles when a signal, or the death of the supervisor, asked for a stop and the role has stopped. A second signal does not cut the drain short. */
function stopOnSignal(running: RunningRole, log: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    let stopping = false;
    const stop = (cause: string) => {
      if (stopping) return;
      stopping = true;
      log.info({ cause }, 'stopping: no new work is taken, work in progress is finished or handed back');
      running.stop().then(resolve, reject);
    };
    process.on('SIGTERM', () => stop('SIGTERM'));
    process.on('SIGINT', () => stop('SIGINT'));
    onOrphaned(() => stop('the supervisor is gone'));
  });
}
