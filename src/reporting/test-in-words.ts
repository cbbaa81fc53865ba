import { measuresInWords } from '../domain/ab-test.ts';
import { duration } from './pages/format.ts';
import type { TestReport } from './test-report.ts';

/** To whom an A/B test goes, and how its winner is, or was, chosen. */
export function testVerdict(test: TestReport, instant: (iso: string) => string): string {
  const { share, size, rule, winner, dueAt, remainder } = test;
  const whom = `${share} % of the recipients${size === null ? '' : ` (${size})`}`;
  if (winner !== null) return `${whom}; ${winner.by} chose ${winner.variant} at ${instant(winner.at)} (UTC).`;
  if (share === 100 || (size !== null && remainder === null))
    return `${whom}; nobody is left to get a winner.`;
  if (test.isOver) return `${whom}; it ended without a winner.`;
  if (rule.by === 'hand') return `${whom}; a person chooses the winner.`;
  const when =
    dueAt === null ? `${duration(rule.afterMs / 1_000)} after it is out` : `at ${instant(dueAt)} (UTC)`;
  return `${whom}; the clock chooses the winner by ${measuresInWords[rule.by]} ${when}.`;
}
