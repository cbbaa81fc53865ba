import { readMigrationFiles } from 'drizzle-orm/migrator';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { FailedError } from '../domain/errors.ts';
import { packagePath } from '../package-path.ts';
import type { Database } from './connect.ts';

const migrationsFolder = packagePath('src/db/migrations');
/** Any constant: processes that start together migrate one after the other. */
const migrationLock = 0x65786d;

/** Brings the schema up to date. Safe when several processes do it at once. */
export async function migrateDatabase(db: Database): Promise<void> {
  const client = await db.$client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    await migrate(db, { migrationsFolder });
  } finally {
    await client.query('select pg_advisory_unlock($1)', [migrationLock]).catch(() => undefined);
    client.release();
  }
}

/** Compares the database's schema with the one this program was written for. Changes nothing. */
export async function schemaState(db: Database): Promise<'current' | 'empty' | 'older' | 'newer'> {
  const known = readMigrationFiles({ migrationsFolder });
  const table = await db.$client.query<{ found: boolean }>(
    `select to_regclass('drizzle.__drizzle_migrations') is not null as found`,
  );
  if (table.rows[0]?.found !== true) return 'empty';
  const applied = await db.$client.query<{ hash: string }>('select hash from drizzle.__drizzle_migrations');
  if (applied.rows.length === 0) return 'empty';
  const hashes = new Set(known.map((migration) => migration.hash));
  if (applied.rows.some((row) => !hashes.has(row.hash))) return 'newer';
  return applied.rows.length < known.length ? 'older' : 'current';
}

/** @throws FailedError where the schema is not this program's: a worker must not run on it. */
export async function requireCurrentSchema(db: Database): Promise<void> {
  const state = await schemaState(db);
  if (state === 'current') return;
  throw new FailedError(
    'SCHEMA_MISMATCH',
    `The database's schema is ${state === 'empty' ? 'missing' : `${state} than this program's`}.`,
    {
      field: 'DATABASE_URL',
      value: state,
      hint:
        state === 'newer'
          ? 'Update this program to the version that the other processes run.'
          : 'Run "exm migrate" once with this version, then start the workers again.',
    },
  );
}
