import type { Totals } from '../domain/outcome.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

type ByReason = Readonly<Record<string, number>>;

export interface ShownBooks {
  readonly totals: Totals;
  readonly failedByReason: ByReason;
  readonly skippedByReason: ByReason;
  readonly inDoubtByReason?: ByReason;
}

/** The books as a sum, one line for each number. */
export function booksTable({ totals, failedByReason, skippedByReason, inDoubtByReason }: ShownBooks): string {
  return table([
    ['queued', totals.queued],
    ['= sent', totals.sent],
    ['+ failed', totals.failed],
    ...reasons(failedByReason),
    ['+ skipped', totals.skipped],
    ...reasons(skippedByReason),
    ['+ cancelled', totals.cancelled],
    ['+ in doubt', totals.inDoubt],
    ...reasons(inDoubtByReason ?? {}),
    ['+ remaining', totals.remaining],
  ]);
}

/** Who was on the lists and not queued, by reason, with its heading; undefined where nobody was. */
export function excludedTable(excluded: ByReason): string | undefined {
  const rows = Object.entries(excluded)
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
  return rows.length === 0 ? undefined : `On the lists, but not queued:\n${table(rows).replace(/^/gm, '  ')}`;
}

function reasons(byReason: ByReason): [string, number][] {
  return Object.entries(byReason).map(([reason, count]) => [`    ${printable(reason)}`, count]);
}
