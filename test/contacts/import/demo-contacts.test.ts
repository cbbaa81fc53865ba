import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importContacts } from '../../../src/contacts/import/import-contacts.ts';
import { contact } from '../../../src/db/schema.ts';
import { packagePath } from '../../../src/package-path.ts';
import { useTestDatabase } from '../../support/database.ts';

const database = useTestDatabase();

const file = packagePath('demo/contacts.csv');

describe("the demo's contacts", () => {
  it('are imported but for the rows that are damaged on purpose', async () => {
    const report = await importContacts(database.db, file, { list: 'demo' });
    expect(report).toMatchObject({ imported: 2_950, created: 2_950, duplicates: 40 });
    expect(report.refused).toMatchObject({
      total: 13,
      byReason: {
        'wrong-number-of-columns': 3,
        'bad-quotes': 2,
        'no-address': 1,
        'bad-address': 5,
        'bad-language': 1,
        'bad-boolean': 1,
      },
    });
    const people = await database.db.select().from(contact);
    expect(people.every(({ emailKey }) => /@(?:.*\.)?example(?:\.com|\.org|\.net)?$/.test(emailKey))).toBe(
      true,
    );
    expect(people.filter((one) => one.doNotMarket || one.consentRevoked).length).toBeGreaterThan(50);
    expect(new Set(people.map((one) => one.language)).size).toBeGreaterThan(10);
  });

  it('are what their script writes', () => {
    const dir = mkdtempSync(join(tmpdir(), 'exm-demo-'));
    try {
      const again = join(dir, 'contacts.csv');
      const jiti = packagePath('node_modules/jiti/lib/jiti-cli.mjs');
      execFileSync(process.execPath, [jiti, packagePath('scripts/make-demo-contacts.ts'), again]);
      expect(readFileSync(again, 'utf8')).toBe(readFileSync(file, 'utf8'));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
