import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { storageRefused } from '../../src/db/storage-refused.ts';
import { isTransient } from '../../src/db/transient.ts';
import { useTestDatabase } from '../support/database.ts';

describe('what PostgreSQL says where it cannot store', () => {
  const database = useTestDatabase({ content: 'empty' });

  /** The error of a query that PostgreSQL ends with this code and these words. */
  const raised = async (code: string, words: string): Promise<unknown> => {
    const body = `begin raise exception '${words}' using errcode = '${code}'; end`;
    return await database.db.execute(sql.raw(`do $$${body}$$`)).then(
      () => undefined,
      (error: unknown) => error,
    );
  };

  test.each([
    ['53100', 'could not extend file "base/1/2": No space left on device'],
    ['53100', 'konnte Datei nicht erweitern'],
    ['58030', 'could not read block 3 in file "base/1/2": Input/output error'],
    ['XX000', 'could not extend file "base/1/2": File too large'],
    ['XX000', 'could not write to file "pg_wal/xlogtemp.1": Disk quota exceeded'],
    ['42501', 'could not open file "base/1/2": Read-only file system'],
  ])('%s, %s: is for a person to mend, and what was to be stored is kept', async (code, words) => {
    const error = await raised(code, words);
    expect(storageRefused(error)).toMatchObject({
      code: 'DATABASE_STORAGE',
      message: `The database cannot store anything: ${words}.`,
    });
    expect(isTransient(error)).toBe(true);
  });

  test.each([
    ['53300', 'sorry, too many clients already', true],
    ['40P01', 'deadlock detected', true],
    ['42501', 'permission denied for table contact', false],
    ['23505', 'duplicate key value', false],
  ])('%s, %s: is not of this kind', async (code, words, passes) => {
    const error = await raised(code, words);
    expect(storageRefused(error)).toBeUndefined();
    expect(isTransient(error)).toBe(passes);
  });
});
