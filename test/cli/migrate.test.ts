import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInstallation, type Installation } from '../support/installation.ts';

describe('exm migrate', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await createInstallation();
  });
  afterAll(async () => await installation.dispose());

  const withoutTheRest = Object.fromEntries(
    ['EXM_BASE_URL', 'EXM_INTERNAL_API_KEY', 'EXM_CRYPTOGRAPHIC_KEY', 'EXM_AUTHENTICATION_KEY'].map(
      (name) => [name, undefined],
    ),
  );

  test('needs nothing but the database', async () => {
    const result = await installation.exm(['migrate', '--json'], { env: withoutTheRest });
    expect(result.json()).toEqual({ before: 'current', after: 'current' });
  });

  test('refuses a schema that was made by a version that is in no release', async () => {
    const { db } = installation.database;
    const { rows } = await db.$client.query('select hash from drizzle.__drizzle_migrations');
    await db.$client.query("update drizzle.__drizzle_migrations set hash = 'of no release', created_at = 1");
    for (const command of [['migrate'], ['campaign', 'ls'], ['doctor']]) {
      const result = await installation.exm(command);
      expect(result.code).toBe(1);
      expect(result.stdout + result.stderr).toContain('between two releases');
      expect(result.stdout + result.stderr).toContain('--data-dir');
    }
    await db.$client.query('update drizzle.__drizzle_migrations set hash = $1', [rows[0].hash]);
  });

  test('refuses a schema that is newer than the program, and so does a worker', async () => {
    await installation.database.db.$client.query(
      "insert into drizzle.__drizzle_migrations (hash, created_at) values ('of a later version', 9999999999999)",
    );
    for (const command of [['migrate'], ['worker', 'primary'], ['campaign', 'ls']]) {
      const result = await installation.exm(command);
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('SCHEMA_MISMATCH');
      expect(result.stderr).toContain('newer');
    }
  });
});
