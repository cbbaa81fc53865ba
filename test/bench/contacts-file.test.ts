import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fileColumns, writeContactsFile } from '../../src/bench/import/contacts-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exm-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.each([1, 999, 1_000, 2_500])('a file of %i contacts has as many different addresses', async (count) => {
  const file = join(folder, 'contacts.csv');
  await writeContactsFile(file, count, new AbortController().signal);
  const [header, ...rows] = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(header).toBe(fileColumns.join(','));
  expect(new Set(rows.map((row) => row.split(',')[0])).size).toBe(count);
  expect(rows).toHaveLength(count);
});
