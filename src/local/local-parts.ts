import type { Environment } from '../config/environment.ts';
import { readKeys } from '../config/keys.ts';
import { closeDatabase, connectDatabase, hidePassword, pingDatabase } from '../db/connect.ts';
import { migrateDatabase, requireCurrentSchema, schemaState } from '../db/migrate.ts';
import { ChildrenRecord, endLeftChildren } from './children-record.ts';
import { type DataDir, keysOf, openDataDir } from './data-dir.ts';
import { writeEnvironmentFile } from './env-file.ts';
import { type RunningPart, SupervisedPart } from './part.ts';
import { PartPorts } from './part-ports.ts';
import { startPostgres } from './postgres.ts';
import { type RunningProgram, startProgram } from './program.ts';
import { findTemporal } from './temporal-binary.ts';
import { startTemporalServer } from './temporal-server.ts';

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

/** Where the servers are, and the pages that answered a request. What doesn't answer is left out. */
export interface LocalAddresses {
  readonly temporal: string;
  /** Without its password. */
  readonly smtp: string;
  /** Temporal's Web UI. */
  readonly ui?: string;
  /** The mail catcher's page. */
  readonly mail?: string;
  /** Content-delivery. */
  readonly tracking?: string;
  readonly reports?: string;
}

export interface LocalParts {
  readonly dataDir: string;
  /** What stands in `<data-dir>/env`: what a command needs to find these parts. */
  readonly env: Readonly<Record<string, string>>;
  readonly addresses: LocalAddresses;
  /** Names of the dispatchers that were started. */
  readonly dispatchers: readonly string[];
  /** Ends everything in its order, and keeps the data. */
  stop(): Promise<void>;
  /** While it stops: doesn't wait any longer for workers that finish what they are at. */
  hurry(): void;
}

/** Longer than any drain should take; only ends a worker that hangs. */
const drainTimeoutMs = 120_000;
const databaseName = 'exm';

/**
 * Starts PostgreSQL, Temporal's dev server, the mail catcher and one worker of each role (and the dispatchers), waits until all
 * answer, and writes `<data-dir>/env`. A part that dies is started again. A folder that was used before is used as it is.
 * @throws RefusedError DATA_DIR_IN_USE, InputError, FailedError, UnavailableError; then nothing is left running.
 */
export async function startLocalParts(options: LocalPartsOptions): Promise<LocalParts> {
  const dir = await openDataDir(options.dataDir);
  const starter = new LocalStarter(options, dir);
  try {
    return await starter.start();
  } catch (error) {
    await starter.stop();
    throw options.signal?.aborted ? options.signal.reason : error;
  }
}

class LocalStarter {
  readonly #options: LocalPartsOptions;
  readonly #dir: DataDir;
  readonly #children: ChildrenRecord;
  readonly #ports: PartPorts;
  /** In the order of their start; stopped in the reverse order. */
  readonly #engines: SupervisedPart[] = [];
  readonly #workers: SupervisedPart[] = [];
  #env: Record<string, string> = {};

  constructor(options: LocalPartsOptions, dir: DataDir) {
    this.#options = options;
    this.#dir = dir;
    this.#children = new ChildrenRecord(dir);
    this.#ports = new PartPorts(dir, options.tell);
  }

  async start(): Promise<LocalParts> {
    const { env, dispatchers = 2 } = this.#options;
    await endLeftChildren(this.#dir, this.#options.tell);
    this.#env = {
      ...keysOf(this.#dir, env),
      EXM_QUEUE_PREFIX: env['EXM_QUEUE_PREFIX'] || 'exm',
      EXM_DATA_DIR: this.#dir.path,
    };
    readKeys({ ...env, ...this.#env });
    await this.#startDatabase();
    const { temporal, ui } = await this.#startTemporal();
    const { smtp, mail } = await this.#startMailCatcher();
    const tracking = await this.#startListening('content-delivery', (port) => {
      this.#env['EXM_BASE_URL'] = env['EXM_BASE_URL'] || `http://127.0.0.1:${port}`;
    });
    const reports = await this.#startListening('reporting');
    const names = Array.from({ length: dispatchers }, (_, index) => `dispatch-${index + 1}`);
    await this.#all([
      this.#startWorker('primary', ['primary', '--name', 'primary', '--no-dispatch']),
      this.#startWorker('processing', ['processing', '--name', 'processing']),
      ...names.map((name) => this.#startWorker(name, ['dedicated-dispatch', '--name', name])),
    ]);
    this.#throwIfAborted();

    const pages = await thoseThatAnswer({ ui, mail, tracking, reports });
    const variables = { EXM_UI_URL: pages.ui, EXM_MAIL_URL: pages.mail, EXM_REPORT_URL: pages.reports };
    for (const [name, url] of Object.entries(variables)) if (url !== undefined) this.#env[name] = url;
    writeEnvironmentFile(this.#dir.path, this.#env);
    return {
      dataDir: this.#dir.path,
      env: this.#env,
      addresses: { temporal, smtp, ...pages },
      dispatchers: names,
      stop: () => this.stop(),
      hurry: () => this.hurry(),
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    for (const engine of this.#engines.toReversed()) await engine.stop();
    this.#dir.release();
  }

  hurry(): void {
    for (const worker of this.#workers) worker.running?.child.kill('SIGKILL');
  }

  async #startDatabase(): Promise<void> {
    const { env, tell } = this.#options;
    const given = env['DATABASE_URL'];
    if (given) {
      this.#env['DATABASE_URL'] = given;
    } else {
      tell('Starting PostgreSQL');
      const logFile = this.#dir.logFile('postgres');
      const onSpawn = this.#children.add('postgres');
      const postgres = await this.#engine('postgres', logFile, () =>
        this.#ports.use('postgres', (port) =>
          startPostgres({ dir: this.#dir.file('postgres'), port, logFile, onSpawn }),
        ),
      );
      await postgres.ensureDatabase(databaseName);
      this.#env['DATABASE_URL'] = postgres.url(databaseName);
    }
    const url = this.#env['DATABASE_URL'] ?? '';
    const db = connectDatabase(url, { applicationName: 'exm up', max: 2 });
    try {
      await pingDatabase(db, url);
      if ((await schemaState(db)) !== 'newer') await migrateDatabase(db);
      await requireCurrentSchema(db);
    } finally {
      await closeDatabase(db);
    }
  }

  async #startTemporal(): Promise<{ temporal: string; ui?: string }> {
    const { env, tell, signal } = this.#options;
    const given = env['TEMPORAL_ADDRESS'];
    this.#env['TEMPORAL_NAMESPACE'] = env['TEMPORAL_NAMESPACE'] || 'default';
    if (given) {
      this.#env['TEMPORAL_ADDRESS'] = given;
      return { temporal: given };
    }
    const { path } = await findTemporal(env, tell, signal);
    this.#throwIfAborted();
    tell("Starting Temporal's dev server");
    const logFile = this.#dir.logFile('temporal');
    const onSpawn = this.#children.add('temporal');
    const temporal = await this.#engine('temporal', logFile, () =>
      this.#ports.use('temporal', (port) =>
        this.#ports.use('temporalUi', (uiPort) =>
          startTemporalServer({
            binary: path,
            port,
            uiPort,
            dbFile: this.#dir.file('temporal', 'temporal.db'),
            logFile,
            onSpawn,
          }),
        ),
      ),
    );
    this.#env['TEMPORAL_ADDRESS'] = temporal.address;
    return { temporal: temporal.address, ui: temporal.uiUrl };
  }

  async #startMailCatcher(): Promise<{ smtp: string; mail?: string }> {
    const given = this.#options.env['EXM_SMTP_URL'];
    if (given) {
      this.#env['EXM_SMTP_URL'] = given;
      return { smtp: hidePassword(given) };
    }
    this.#options.tell('Starting the mail catcher');
    let smtp = '';
    const catcher = await this.#engine('mail-catcher', this.#dir.logFile('mail-catcher'), () =>
      this.#ports.use('smtp', (port) =>
        this.#ports.use('mail', (webPort) => {
          smtp = `smtp://127.0.0.1:${port}`;
          const at = ['--smtp', `127.0.0.1:${port}`, '--listen', `127.0.0.1:${webPort}`];
          return this.#program('mail-catcher', ['mail-catcher', ...at]);
        }),
      ),
    );
    this.#env['EXM_SMTP_URL'] = smtp;
    return { smtp, mail: catcher.address };
  }

  /** A worker with an HTTP address of its own. */
  async #startListening(
    role: 'content-delivery' | 'reporting',
    onPort?: (port: number) => void,
  ): Promise<string> {
    const part = role === 'reporting' ? 'reports' : 'tracking';
    const start = () =>
      this.#ports.use(part, (port) => {
        onPort?.(port);
        return this.#program(role, ['worker', role, '--name', role, '--listen', `127.0.0.1:${port}`]);
      });
    const worker = await this.#supervised(role, this.#dir.logFile(role), start, this.#workers);
    return worker.address;
  }

  #startWorker(name: string, args: readonly string[]): Promise<RunningProgram> {
    const start = () => this.#program(name, ['worker', ...args]);
    return this.#supervised(name, this.#dir.logFile(name), start, this.#workers);
  }

  #program(name: string, args: readonly string[]): Promise<RunningProgram> {
    return startProgram({
      args,
      env: { ...this.#options.env, ...this.#env },
      logFile: this.#dir.logFile(name),
      stopTimeoutMs: drainTimeoutMs,
      onSpawn: this.#children.add(name),
    });
  }

  #engine<R extends RunningPart>(name: string, logFile: string, start: () => Promise<R>): Promise<R> {
    return this.#supervised(name, logFile, start, this.#engines);
  }

  async #supervised<R extends RunningPart>(
    name: string,
    logFile: string,
    start: () => Promise<R>,
    parts: SupervisedPart[],
  ): Promise<R> {
    this.#throwIfAborted();
    const part = new SupervisedPart<R>({ name, start, logFile, tell: this.#options.tell });
    parts.push(part);
    return part.start();
  }

  /** Waits for all, also where one fails: a part that is just starting can be stopped only afterwards. */
  async #all(starts: readonly Promise<unknown>[]): Promise<void> {
    const failed = (await Promise.allSettled(starts)).find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  #throwIfAborted(): void {
    this.#options.signal?.throwIfAborted();
  }
}

async function thoseThatAnswer<Name extends string>(
  pages: Readonly<Record<Name, string | undefined>>,
): Promise<Partial<Record<Name, string>>> {
  const answered: Partial<Record<Name, string>> = {};
  await Promise.all(
    (Object.entries(pages) as [Name, string | undefined][]).map(async ([name, url]) => {
      if (url === undefined) return;
      const response = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
      await response?.body?.cancel();
      if (response !== undefined) answered[name] = url;
    }),
  );
  return answered;
}
