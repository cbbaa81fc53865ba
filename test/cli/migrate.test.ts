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
