import { describe, expect, test } from 'vitest';
import { screenWidth, table } from '../../src/cli/table.ts';

const header = ['name', 'sent', 'dispatches', 'health'];
const rows = [
  ['mta-1', 12, '10 threads, sleep 50 ms, pool default', 'ok'],
  ['mta-2', 3_400, '2 threads, sleep 200 ms, pool default', 'The mail server gives no connection: refused'],
];

describe('a table', () => {
  test('pads its columns and puts numbers to the right', () => {
    expect(table(rows, header, 200)).toBe(
      [
        'name   sent  dispatches                             health',
        'mta-1    12  10 threads, sleep 50 ms, pool default  ok',
        'mta-2  3400  2 threads, sleep 200 ms, pool default  The mail server gives no connection: refused',
      ].join('\n'),
    );
  });

  test('cuts nothing where there is no terminal', () => {
    expect(table(rows, header, Number.POSITIVE_INFINITY)).toBe(table(rows, header, 200));
  });

  test('takes from its widest columns on a narrow terminal, and loses none', () => {
    expect(table(rows, header, 60)).toBe(
      [
        'name   sent  dispatches               health',
        'mta-1    12  10 threads, sleep 50 m…  ok',
        'mta-2  3400  2 threads, sleep 200 m…  The mail server gives…',
      ].join('\n'),
    );
  });

  test('keeps its first column, by which a row is known, as long as another can give way', () => {
    const ids = [['october-letter-a0p5', 'October letter', 'Inactive (Cancelled)']];
    expect(table(ids, undefined, 50)).toBe('october-letter-a0p5  October letter  Inactive (Ca…');
    expect(table(ids, undefined, 30)).toBe('october-l…  October…  Inactiv…');
  });

  test.each([10, 20, 40, 80])('has no line that is wider than a terminal of %i columns', (width) => {
    for (const line of table(rows, header, width).split('\n')) expect(line.length).toBeLessThanOrEqual(width);
  });

  test('may be empty', () => {
    expect(table([], ['a', 'b'], 80)).toBe('a  b');
    expect(table([], undefined, 80)).toBe('');
  });

  test.each([
    [{ isTTY: true, columns: 80 }, 80],
    [{ isTTY: true, columns: 0 }, Number.POSITIVE_INFINITY],
    [{ isTTY: false, columns: 80 }, Number.POSITIVE_INFINITY],
    [{}, Number.POSITIVE_INFINITY],
  ])('is as wide as the terminal, where there is one that knows its width: %j', (stream, width) => {
    expect(screenWidth(stream)).toBe(width);
  });
});
