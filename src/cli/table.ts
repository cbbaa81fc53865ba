type Cell = string | number;

/** Between two columns. */
const gap = '  ';
/** No column is made narrower than this, so that something can be read in each. */
const columnMinimum = 8;

/**
 * A plain table for a terminal: columns padded to their widest value, numbers to the right. On a terminal no line is
 * wider than it is: the widest columns give way first, so that none is lost. Elsewhere nothing is cut.
 */
export function table(
  rows: readonly (readonly Cell[])[],
  header?: readonly string[],
  width = screenWidth(),
): string {
  const all = [...(header ? [header] : []), ...rows];
  const columns = Math.max(0, ...all.map((row) => row.length));
  const isNumeric = Array.from(
    { length: columns },
    (_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'),
  );
  const needed = isNumeric.map((_, column) =>
    Math.max(...all.map((row) => String(row[column] ?? '').length)),
  );
  const widths = narrowed(needed, isNumeric, width - gap.length * (columns - 1));
  const line = (row: readonly Cell[]) =>
    row
      .map((cell, column) => {
        const text = cut(String(cell), widths[column] ?? 0);
        return isNumeric[column] ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
      })
      .join(gap)
      .trimEnd();
  return all.map((row) => cut(line(row), width)).join('\n');
}

/**
 * Takes from the widest column of text what is too much, then from the next ones. The first column, by which a row is
 * known, gives way last; a number is never shortened.
 */
function narrowed(needed: readonly number[], isNumeric: readonly boolean[], available: number): number[] {
  const widths = [...needed];
  const text = [...widths.keys()].filter((column) => !isNumeric[column]);
  for (const columns of [text.filter((column) => column > 0), text]) {
    for (let excess = sum(widths) - available; excess > 0; excess--) {
      const widest = Math.max(0, ...columns.map((column) => widths[column] ?? 0));
      if (widest <= columnMinimum) break;
      const column = columns.findLast((candidate) => widths[candidate] === widest) ?? 0;
      widths[column] = widest - 1;
    }
  }
  return widths;
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

/** How many characters fit into a line of the terminal; without one, or one that says 0 because nobody told it, any number. */
export function screenWidth(
  { isTTY, columns }: { isTTY?: boolean; columns?: number } = process.stdout,
): number {
  return isTTY && columns ? columns : Number.POSITIVE_INFINITY;
}

export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`;
}
