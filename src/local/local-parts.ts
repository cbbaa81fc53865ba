import { rmSync } from 'node:fs';
import { environmentFile } from '../config/environment.ts';
import { endLeftChildren } from './children-record.ts';
import { keysOf, openDataDir, queuePrefixOf } from './data-dir.ts';
import { writeEnvironmentFile } from './env-file.ts';
import { provideDatabase, provideMailServer, provideTemporal } from './local-engines.ts';
import { type LocalPartsOptions, LocalRun } from './local-run.ts';
import { startPages, startWorkers } from './local-workers.ts';

export type { LocalPartsOptions } from './local-run.ts';

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
}

/**
 * Starts PostgreSQL, Temporal's dev server, the mail catcher and one worker of each role (and the dispatchers), waits until all
 * answer, and writes `<data-dir>/env`. A part that dies is started again. A folder that was used before is used as it is.
 * @throws RefusedError DATA_DIR_IN_USE, InputError, FailedError, UnavailableError; then nothing is left running.
 */
export async function startLocalParts(options: LocalPartsOptions): Promise<LocalParts> {
  const run = new LocalRun(options, await openDataDir(options.dataDir));
  try {
    return await startAll(run);
  } catch (error) {
    await run.stop();
    throw options.signal?.aborted ? options.signal.reason : error;
  }
}

async function startAll(run: LocalRun): Promise<LocalParts> {
  const { dir, env } = run;
  const { env: given, dispatchers = 2, tell } = run.options;
  await endLeftChildren(dir, { tell, signal: run.options.signal });
  // What an earlier run wrote is wrong until this one has written it anew.
  rmSync(environmentFile(dir.path), { force: true });
  Object.assign(env, keysOf(dir, given), {
    EXM_QUEUE_PREFIX: queuePrefixOf(dir, given),
    EXM_DATA_DIR: dir.path,
  });
  await provideDatabase(run);
  const { temporal, ui } = await provideTemporal(run);
  const { smtp, mail } = await provideMailServer(run);
  const { tracking, reports } = await startPages(run);
  const names = await startWorkers(run, dispatchers);
  run.throwIfAborted();

  const pages = await thoseThatAnswer({ ui, mail, tracking, reports });
  const variables = { EXM_UI_URL: pages.ui, EXM_MAIL_URL: pages.mail, EXM_REPORT_URL: pages.reports };
  for (const [name, url] of Object.entries(variables)) if (url !== undefined) env[name] = url;
  writeEnvironmentFile(dir.path, env);
  return {
    dataDir: dir.path,
    env,
    addresses: { temporal, smtp, ...pages },
    dispatchers: names,
    stop: () => run.stop(),
  };
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
