/**
 * A plain table for a terminal: columns padded to their widest value, numbers to the right. On a terminal no line is
 * wider than it is; elsewhere nothing is cut.
 */
export function table(
  rows: readonly (readonly (string | number)[])[],
  header?: readonly string[],
  width = screenWidth(),
): string {
  const all = [...(header ? [header] : []), ...rows];
  const widths: number[] = [];
  for (const row of all) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
    });
  }
  const isNumeric = widths.map(
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'),
  );
  const line = (row: readonly (string | number)[]) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumeric[column] ? String(cell).padStart(width) : String(cell).padEnd(width);
      })
      .join('  ')
      .trimEnd();
  return all.map((row) => cut(line(row), width)).join('\n');
}

/** How many characters fit into a line of the terminal; without one, any number. */
export function screenWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
}

export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;
}
