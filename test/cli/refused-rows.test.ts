import { describe, expect, test } from 'vitest';
import { refusedRows } from '../../src/cli/refused-rows.ts';
import type { RefusedRow } from '../../src/contacts/import/import-row.ts';

const rows: RefusedRow[] = [
  {
    line: 117,
    reason: 'wrong-number-of-columns',
    column: '',
    detail: '9 columns are expected',
    value: 'hanna@example.com,Hanna',
  },
  { line: 807, reason: 'bad-address', column: 'email', detail: 'no-at-sign', value: 'peter.example.com' },
  {
    line: 2193,
    reason: 'bad-quotes',
    column: '',
    detail: 'a quote is missing, or stands inside a value without being doubled',
    value: `${'x'.repeat(300)}`,
  },
  { line: 2425, reason: 'bad-boolean', column: 'doNotMarket', detail: '', value: '' },
];

describe('refused rows', () => {
  test.each([40, 80, 100, 160, 500])(
    'show each value on a screen of %i columns, and no longer line',
    (width) => {
      const text = refusedRows(rows, width);
      for (const value of ['hanna@example.com,Hanna', 'peter.example.com', 'xxxxxxxxxxxxxxxxxxxx'])
        expect(text).toContain(value);
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(width);
      expect(text).not.toMatch(/^ *…?$/m);
    },
  );

  test('are a table where there is room', () => {
    const lines = refusedRows(rows, 160).split('\n');
    expect(lines).toHaveLength(1 + rows.length);
    expect(lines[0]).toMatch(/^line +reason +column +detail +value$/);
  });

  test('have their value below the reason where there is none', () => {
    expect(refusedRows(rows.slice(0, 3), 60)).toBe(`line  reason, and below it the value
 117  wrong-number-of-columns: 9 columns are expected
      hanna@example.com,Hanna
 807  bad-address in email: no-at-sign
      peter.example.com
2193  bad-quotes: a quote is missing, or stands inside a
      value without being doubled
      ${'x'.repeat(53)}…`);
  });
});
