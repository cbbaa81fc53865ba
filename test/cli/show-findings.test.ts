import { expect, test } from 'vitest';
import { countFindings, showFindings, styleOf } from '../../src/cli/show-findings.ts';
import type { Finding } from '../../src/message/check/findings.ts';

const finding = (where: string, change: Partial<Finding> = {}): Finding => ({
  severity: 'error',
  code: 'TEMPLATE_LINK',
  where,
  message: 'the link "/shop" is relative.',
  hint: 'Use whole addresses.',
  ...change,
});
const some = [
  finding('a.html:9:10'),
  finding('a.html:120:3', { severity: 'warning' }),
  finding('campaign', { hint: undefined }),
];

test('findings stand under their file, aligned, with what to do said once', () => {
  expect(showFindings(some, { width: Number.POSITIVE_INFINITY, color: false })).toBe(`a.html
   9:10  error    the link "/shop" is relative. (TEMPLATE_LINK)
                  Use whole addresses.
  120:3  warning  the link "/shop" is relative. (TEMPLATE_LINK)

campaign
         error    the link "/shop" is relative. (TEMPLATE_LINK)`);
  expect(countFindings(some)).toBe('2 errors, 1 warning');
});

test('findings fit a narrow terminal', () => {
  const lines = showFindings(some, { width: 40, color: false }).split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
});

test('colours are for a terminal alone, and not with NO_COLOR', () => {
  const terminal = { isTTY: true, columns: 80 } as NodeJS.WriteStream;
  expect(styleOf(terminal, {})).toEqual({ width: 80, color: true });
  expect(styleOf(terminal, { NO_COLOR: '1' }).color).toBe(false);
  expect(styleOf(terminal, { TERM: 'dumb' }).color).toBe(false);
  expect(styleOf({} as NodeJS.WriteStream, {}).color).toBe(false);
  const colored = showFindings(some, { width: 80, color: true });
  expect(colored).toContain('\u001b[31merror  \u001b[0m');
  expect(colored).toContain('\u001b[33mwarning\u001b[0m');
});
