import { type RefusedRows, refusedShown } from '../contacts/import/refusal-tally.ts';
import { refusedRows } from './refused-rows.ts';
import { screenWidth, table } from './table.ts';

/** What a report says of the rows that were left out: how many for which reason, and the first of them. */
export function refusedPart(refused: RefusedRows, rejectsFile: string | undefined): string[] {
  const lines: string[] = [];
  if (refused.total > 0) {
    const reasons = Object.entries(refused.byReason).sort(([, a], [, b]) => b - a);
    lines.push(
      '',
      table(
        reasons.map(([reason, count]) => [count, reason]),
        ['refused', 'reason'],
      ),
      '',
      refusedRows(refused.first, screenWidth()),
    );
    if (refused.total > refusedShown && rejectsFile === undefined) {
      lines.push(`... and ${refused.total - refusedShown} more: --rejects FILE writes all of them.`);
    }
  }
  if (rejectsFile !== undefined) lines.push('', `All refused rows: ${rejectsFile}`);
  return lines;
}
