import { readMigrationFiles } from 'drizzle-orm/migrator';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { FailedError } from '../domain/errors.ts';
import { packagePath } from '../package-path.ts';
import { advisoryLocks } from './advisory-locks.ts';
import type { Database } from './connect.ts';

const migrationsFolder = packagePath('src/db/migrations');
/** Brings the schema up to date. Safe when several processes do it at once. */
export async function migrateDatabase(db: Database): Promise<void> {
  const client = await db.$client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [advisoryLocks.migration]);
    await migrate(db, { migrationsFolder });
  } finally {
    await client.query('select pg_advisory_unlock($1)', [advisoryLocks.migration]).catch(() => undefined);
    client.release();
  }
}

/** `foreign`: made by a version between two releases, whose steps no other version knows. */
export type SchemaState = 'current' | 'empty' | 'older' | 'newer' | 'foreign';

/** Compares the database's schema with the one this program was written for. Changes nothing. */
export async function schemaState(db: Database): Promise<SchemaState> {
  const known = readMigrationFiles({ migrationsFolder });
  const table = await db.$client.query<{ found: boolean }>(
    `select to_regclass('drizzle.__drizzle_migrations') is not null as found`,
  );
  if (table.rows[0]?.found !== true) return 'empty';
  const { rows: applied } = await db.$client.query<{ hash: string; made: number }>(
    'select hash, created_at::float8 as made from drizzle.__drizzle_migrations',
  );
  if (applied.length === 0) return 'empty';
  const hashes = new Set(known.map((migration) => migration.hash));
  const newest = Math.max(...known.map((migration) => migration.folderMillis));
  const unknown = applied.filter((row) => !hashes.has(row.hash));
  if (unknown.some((row) => row.made > newest)) return 'newer';
  if (unknown.length > 0) return 'foreign';
  return applied.length < known.length ? 'older' : 'current';
}

const migrateTodo = 'Run "exm migrate" once with this version, then start the workers again.';

/** What is wrong with a schema that is not current, and what to do about it. */
export const schemaFindings = {
  empty: {
    found: 'is missing',
    todo: migrateTodo,
  },
  older: {
    found: "is older than this program's",
    todo: migrateTodo,
  },
  newer: {
    found: "is newer than this program's",
    todo: 'Update this program to the version that the other processes run.',
  },
  foreign: {
    found: 'was made by a version between two releases, and cannot be brought to this one',
    todo: 'Begin with an empty database, for "exm up" with another --data-dir; or run the version that made it.',
  },
} as const satisfies Record<Exclude<SchemaState, 'current'>, { found: string; todo: string }>;

/** @throws FailedError where the schema is not this program's: a worker must not run on it. */
export async function requireCurrentSchema(db: Database): Promise<void> {
  const state = await schemaState(db);
  if (state === 'current') return;
  const { found, todo } = schemaFindings[state];
  throw new FailedError('SCHEMA_MISMATCH', `The database's schema ${found}.`, {
    field: 'DATABASE_URL',
    value: state,
    hint: todo,
  });
}
