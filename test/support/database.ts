import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, inject } from 'vitest';
import { closeDatabase, connectDatabase, type Database } from '../../src/db/connect.ts';
import { waitFor } from './wait-for.ts';

/** The migrated, empty database that every test database is a copy of. */
export const templateDatabase = 'exm_template';

export interface TestDatabase {
  readonly url: string;
  readonly db: Database;
  /** Closes `db` and removes the database. @throws Error where somebody still has a connection to it: a leak. */
  drop(patienceMs?: number): Promise<void>;
}

export interface TestDatabaseOptions {
  /** `migrated` (the default) has the schema; `empty` has nothing. */
  readonly content?: 'migrated' | 'empty';
  /** The database `postgres` of another server than the tests' own, which has no migrated template. */
  readonly postgresUrl?: string;
}

/** A database of its own for a test file. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const adminUrl = options.postgresUrl ?? inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = options.content === 'empty' ? 'template0' : templateDatabase;
  await withAdmin(adminUrl, (admin) => admin.query(`create database ${name} template ${template}`));
  const url = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).toString();
  const db = connectDatabase(url, { applicationName: 'exm test', max: 5 });
  return {
    url,
    db,
    async drop(patienceMs = 20_000) {
      await closeDatabase(db);
      await withAdmin(adminUrl, async (admin) => {
        const connected = async () => {
          const { rows } = await admin.query<{ application_name: string }>(
            // Not autovacuum, which may be at a large table for longer.
            `select application_name from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
            [name],
          );
          return rows.map((row) => row.application_name);
        };
        let left: string[] = [];
        try {
          // A process that was just killed takes a moment to disappear from the server's view.
          await waitFor(
            async () => {
              left = await connected();
              return left.length === 0;
            },
            { timeoutMs: patienceMs },
          );
        } catch {
          throw new Error(`connections to the test database were left open by: ${left.join(', ')}`);
        } finally {
          await admin.query(`drop database ${name} with (force)`);
        }
      });
    },
  };
}

/**
 * One for all tests of a file or of a `describe`, to be asked for before anything else that is closed after them: it is
 * dropped last. It is there from the first `beforeAll` that follows.
 */
export function useTestDatabase(options?: TestDatabaseOptions): Pick<TestDatabase, 'url' | 'db'> {
  let database: TestDatabase | undefined;
  beforeAll(async () => {
    database = await createTestDatabase(options);
  });
  afterAll(async () => await database?.drop());
  const made = () => {
    if (database === undefined)
      throw new Error('the test database is made before the tests, and not there yet');
    return database;
  };
  return {
    get url() {
      return made().url;
    },
    get db() {
      return made().db;
    },
  };
}

/** Something done over a connection of its own to a server's database `postgres`. */
export async function withAdmin<T>(url: string, use: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: url, application_name: 'exm test admin' });
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.end();
  }
}
