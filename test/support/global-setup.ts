import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { closeDatabase, connectDatabase } from '../../src/db/connect.ts';
import { migrateDatabase } from '../../src/db/migrate.ts';
import { startPostgres } from '../../src/local/postgres.ts';
import { findTemporal } from '../../src/local/temporal-binary.ts';
import { startTemporalServer } from '../../src/local/temporal-server.ts';
import { buildWhereStale } from './build.ts';
import { templateDatabase } from './database.ts';
import { ownPorts } from './ports.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the test PostgreSQL's database `postgres`, as its owner. */
    postgresUrl: string;
    temporalAddress: string;
  }
}

/** One PostgreSQL and one Temporal dev server for the whole run, with their data in a temporary folder. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'exm-test-'));
  const stops: (() => Promise<void>)[] = [];
  const stopAll = async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const [postgresPort = 0, temporalPort = 0, uiPort = 0] = await ownPorts(3);
    const postgres = await startPostgres({
      dir: join(dir, 'postgres'),
      port: postgresPort,
      logFile: join(dir, 'postgres.log'),
      // These data need not survive the machine.
      settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' },
    });
    stops.push(() => postgres.stop());
    await makeTemplate(postgres.url(templateDatabase), () => postgres.ensureDatabase(templateDatabase));

    const { path } = await findTemporal(process.env, (line) => process.stderr.write(`${line}\n`));
    const temporal = await startTemporalServer({
      binary: path,
      port: temporalPort,
      uiPort,
      dbFile: join(dir, 'temporal.db'),
      logFile: join(dir, 'temporal.log'),
    });
    stops.push(() => temporal.stop());
    await buildWhereStale();
    project.provide('postgresUrl', postgres.url('postgres'));
    project.provide('temporalAddress', temporal.address);
  } catch (error) {
    await stopAll();
    throw error;
  }
  return stopAll;
}

async function makeTemplate(url: string, create: () => Promise<void>): Promise<void> {
  await create();
  const db = connectDatabase(url, { applicationName: 'exm test template', max: 2 });
  try {
    await migrateDatabase(db);
  } finally {
    await closeDatabase(db);
  }
}
