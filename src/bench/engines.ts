import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateKeys } from '../config/keys.ts';
import { closeDatabase, connectDatabase, type Database, pingDatabase } from '../db/connect.ts';
import { migrateDatabase } from '../db/migrate.ts';
import type { Child } from '../local/child.ts';
import { freePorts } from '../local/ports.ts';
import { startPostgres } from '../local/postgres.ts';
import { findTemporal } from '../local/temporal-binary.ts';
import { startTemporalServer } from '../local/temporal-server.ts';
import { writePrivateFile } from '../local/write-file.ts';

export interface EngineOptions {
  readonly folder: string;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
  /** Told of each process at once. */
  readonly onSpawn: (child: Child) => void;
}

/** PostgreSQL and Temporal of a bench, as `exm up` starts them, and what a process needs to find them. */
export interface Engines {
  readonly env: Readonly<Record<string, string>>;
  readonly db: Database;
  readonly postgres: Child;
  readonly temporal: Child;
  readonly versions: { readonly postgres: string; readonly temporal: string };
  close(): Promise<void>;
}

/** Settings of the bench's workers: no link of a measured newsletter leads anywhere. */
const configuration = `export default { settings: { checkLinks: 'off' } };\n`;

/** Starts both on ports that nobody uses, for those of `exm up` may be another installation's tomorrow. @throws FailedError */
export async function startEngines({ folder, tell, signal, onSpawn }: EngineOptions): Promise<Engines> {
  const { path: binary } = await findTemporal(process.env, tell, signal);
  const [port = 0, temporalPort = 0, uiPort = 0, basePort = 0] = await freePorts(4);
  tell('Starting PostgreSQL');
  const postgres = await startPostgres({
    dir: join(folder, 'postgres'),
    port,
    logFile: join(folder, 'logs', 'postgres.log'),
    onSpawn,
    signal,
  });
  await postgres.ensureDatabase('exm');
  const url = postgres.url('exm');
  const db = connectDatabase(url, { applicationName: 'exm bench', max: 4 });
  try {
    const version = await pingDatabase(db, url);
    await migrateDatabase(db);
    tell("Starting Temporal's dev server");
    const temporal = await startTemporalServer({
      binary,
      port: temporalPort,
      uiPort,
      dbFile: join(folder, 'temporal', 'temporal.db'),
      logFile: join(folder, 'logs', 'temporal.log'),
      onSpawn,
      signal,
    });
    const profiles = join(folder, 'temporal', 'profiles.toml');
    writePrivateFile(profiles, `[profile.default]\naddress = "${temporal.address}"\n`);
    const config = join(folder, 'exm.config.mjs');
    writeFileSync(config, configuration);
    const env = {
      ...generateKeys(),
      DATABASE_URL: url,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      // Without this a profile of the user's own, for another server, would be mixed in.
      TEMPORAL_CONFIG_FILE: profiles,
      EXM_BASE_URL: `http://127.0.0.1:${basePort}`,
      EXM_QUEUE_PREFIX: `bench-${randomBytes(3).toString('hex')}`,
      EXM_DATA_DIR: folder,
      EXM_CONFIG: config,
    };
    return {
      env,
      db,
      postgres: postgres.child,
      temporal: temporal.child,
      versions: { postgres: version, temporal: await temporalVersion(binary) },
      close: async () => await closeDatabase(db),
    };
  } catch (error) {
    await closeDatabase(db);
    throw error;
  }
}

/** "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)" */
async function temporalVersion(binary: string): Promise<string> {
  const { stdout } = await promisify(execFile)(binary, ['--version']);
  return /version (\S+(?: \([^)]*\))?)/.exec(stdout)?.[1] ?? 'unknown';
}
