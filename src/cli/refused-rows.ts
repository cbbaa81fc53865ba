import type { RefusedRow } from '../contacts/import/import-row.ts';
import { printable } from './printable.ts';
import { cut, table } from './table.ts';

/** So much of a value has to fit beside what is said of it, for a table to be of use. */
const valueMinimum = 20;
const valueMaximum = 60;

/**
 * Rows that an import left out, for a person: a table where the screen is wide enough to show each row's value in it,
 * else two or more lines a row, the value below the reason. No line is wider than the screen.
 *
 * @param width of the screen, in characters
 */
export function refusedRows(rows: readonly RefusedRow[], width: number): string {
  const cells = rows.map(({ line, reason, column, detail, value }) => ({
    line,
    reason,
    column: printable(column, 30),
    detail,
    value: printable(value, valueMaximum),
  }));
  const shown = cells.map(({ line, reason, column, detail, value }) => [line, reason, column, detail, value]);
  const wide = table(shown, ['line', 'reason', 'column', 'detail', 'value'], Number.POSITIVE_INFINITY);
  const valueStart = wide.split('\n', 1)[0]?.lastIndexOf('value') ?? 0;
  const valueWidth = Math.max(0, ...cells.map(({ value }) => value.length));
  if (valueStart + Math.min(valueWidth, valueMinimum) <= width)
    return wide
      .split('\n')
      .map((line) => cut(line, width))
      .join('\n');

  const numberWidth = Math.max('line'.length, ...cells.map(({ line }) => String(line).length));
  const indent = ' '.repeat(numberWidth + 2);
  const lines = cells.flatMap(({ line, reason, column, detail, value }) => {
    const why = [`${reason}${column === '' ? '' : ` in ${column}`}`, detail].filter((text) => text !== '');
    const [first = '', ...more] = [...wrap(why.join(': '), width - indent.length), value];
    return [
      `${String(line).padStart(numberWidth)}  ${first}`,
      ...more.filter((text) => text !== '').map((text) => cut(`${indent}${text}`, width)),
    ];
  });
  return [`${'line'.padStart(numberWidth)}  reason, and below it the value`, ...lines].join('\n');
}

/** Breaks a text between words. A word that is longer than a line stays whole. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
