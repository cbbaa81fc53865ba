import type { Client } from '@temporalio/client';
import type { Environment } from '../config/environment.ts';
import { type CommandSettings, readCommandSettings } from '../config/settings.ts';
import { closeDatabase, connectDatabase, type Database, pingDatabase } from '../db/connect.ts';
import { requireCurrentSchema } from '../db/migrate.ts';

/** Runs with the database, which must answer and have this program's schema, and closes it. */
export async function withDatabase<T>(
  env: Environment,
  command: string,
  run: (db: Database, settings: CommandSettings) => Promise<T>,
): Promise<T> {
  const settings = readCommandSettings(env);
  const db = connectDatabase(settings.databaseUrl, { applicationName: `exm ${command}`, max: 2 });
  try {
    await pingDatabase(db, settings.databaseUrl);
    await requireCurrentSchema(db);
    return await run(db, settings);
  } finally {
    await closeDatabase(db);
  }
}

/** Runs with a Temporal client and closes it. */
export async function withClient<T>(env: Environment, run: (client: Client) => Promise<T>): Promise<T> {
  // Loaded here: its client takes longer to load than most commands, which do without, take for all they do.
  const { connectClient } = await import('../temporal/client-connection.ts');
  const client = await connectClient(env);
  try {
    return await run(client);
  } finally {
    await client.connection.close();
  }
}
