import { closeDatabase, connectDatabase, hidePassword, pingDatabase } from '../db/connect.ts';
import { migrateDatabase, requireCurrentSchema, schemaState } from '../db/migrate.ts';
import { connectClient } from '../temporal/client-connection.ts';
import { connectConfig } from '../temporal/connect-config.ts';
import { localMailDefaults } from './local-mail.ts';
import { bounceDomainOf, type LocalRun } from './local-run.ts';
import { startPostgres } from './postgres.ts';
import { findTemporal } from './temporal-binary.ts';
import { startTemporalServer } from './temporal-server.ts';
import { writePrivateFile } from './write-file.ts';

const databaseName = 'exm';
/** Each of these names a Temporal that is there already. */
const temporalVariables = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'];

/** PostgreSQL, unless DATABASE_URL names one; with this program's schema. */
export async function provideDatabase(run: LocalRun): Promise<void> {
  const url = run.options.env['DATABASE_URL'] || (await startLocalDatabase(run));
  run.env['DATABASE_URL'] = url;
  const db = connectDatabase(url, { applicationName: 'exm up', max: 2 });
  try {
    await pingDatabase(db, url);
    if ((await schemaState(db)) !== 'newer') await migrateDatabase(db);
    await requireCurrentSchema(db);
  } finally {
    await closeDatabase(db);
  }
}

async function startLocalDatabase(run: LocalRun): Promise<string> {
  run.options.tell('Starting PostgreSQL');
  const dir = run.dir.file('postgres');
  const logFile = run.dir.logFile('postgres');
  const onSpawn = run.children.add('postgres');
  const postgres = await run.startEngine('postgres', (signal) =>
    run.ports.use('postgres', (port) => startPostgres({ dir, port, logFile, onSpawn, signal })),
  );
  await postgres.ensureDatabase(databaseName);
  return postgres.url(databaseName);
}

/** Temporal, unless the environment names one. Returns its address, and that of its Web UI where it is known. */
export async function provideTemporal(run: LocalRun): Promise<{ temporal: string; ui?: string }> {
  const { env, tell } = run.options;
  if (temporalVariables.some((name) => env[name])) {
    const { connectionOptions, namespace } = connectConfig(env);
    await (await connectClient(env)).connection.close();
    const address = connectionOptions.address ?? 'localhost:7233';
    Object.assign(run.env, { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace ?? 'default' });
    return { temporal: address };
  }
  const { path: binary } = await findTemporal(env, tell, run.options.signal);
  run.throwIfAborted();
  tell("Starting Temporal's dev server");
  const dbFile = run.dir.file('temporal', 'temporal.db');
  const logFile = run.dir.logFile('temporal');
  const onSpawn = run.children.add('temporal');
  const temporal = await run.startEngine('temporal', (signal) =>
    run.ports.use('temporal', (port) =>
      run.ports.use('temporalUi', (uiPort) =>
        startTemporalServer({ binary, port, uiPort, dbFile, logFile, onSpawn, signal }),
      ),
    ),
  );
  // Without this a profile of the user's own, for another server, would be mixed in.
  const profiles = run.dir.file('temporal', 'profiles.toml');
  writePrivateFile(profiles, `[profile.default]\naddress = "${temporal.address}"\n`);
  Object.assign(run.env, {
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_CONFIG_FILE: profiles,
  });
  return { temporal: temporal.address, ui: temporal.uiUrl };
}

/** The mail catcher, unless EXM_SMTP_URL names a mail server. Returns its address, and that of the catcher's page. */
export async function provideMailServer(run: LocalRun): Promise<{ smtp: string; mail?: string }> {
  const given = run.options.env['EXM_SMTP_URL'];
  if (given) {
    run.env['EXM_SMTP_URL'] = given;
    return { smtp: hidePassword(given) };
  }
  run.options.tell('Starting the mail catcher');
  Object.assign(run.env, localMailDefaults(run.options.env));
  const returns = await returnsOf(run);
  let smtp = '';
  const catcher = await run.startEngine('mail-catcher', (signal) =>
    run.ports.use('smtp', (port) =>
      run.ports.use('mail', (webPort) => {
        smtp = `smtp://127.0.0.1:${port}`;
        const at = ['--smtp', `127.0.0.1:${port}`, '--listen', `127.0.0.1:${webPort}`];
        return run.startEngineProgram('mail-catcher', ['mail-catcher', ...at, ...returns], signal);
      }),
    ),
  );
  run.env['EXM_SMTP_URL'] = smtp;
  return { smtp, mail: catcher.address };
}

/** The mail catcher sends messages back to where the processing worker will listen in a moment. */
async function returnsOf(run: LocalRun): Promise<string[]> {
  const domain = bounceDomainOf(run);
  if (domain === undefined) return [];
  const port = await run.ports.use('receive', async (free) => free);
  return ['--returns-to', `127.0.0.1:${port}`, '--returns-for', domain];
}
