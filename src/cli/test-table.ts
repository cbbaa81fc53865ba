import { instant } from '../reporting/pages/format.ts';
import { testVerdict } from '../reporting/test-in-words.ts';
import type { TestReport } from '../reporting/test-report.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';
import { wrap } from './wrap.ts';

/** An A/B test for a person: each variant and what its recipients did; undefined where the campaign has none. */
export function testText(test: TestReport | null): string | undefined {
  if (test === null) return undefined;
  const rows = [
    ...test.variants.map((one) => ({
      ...one,
      name: one.variant === test.winner?.variant ? `${one.variant} *` : one.variant,
    })),
    ...(test.remainder === null
      ? []
      : [{ ...test.remainder, name: `then ${test.winner?.variant ?? 'the winner'}`, subject: '' }]),
  ].map(({ name, recipients, sent, opened, openRate, clicked, clickRate, value, valuePerVisit, subject }) => [
    name,
    recipients,
    sent,
    `${opened} (${(100 * openRate).toFixed(1)} %)`,
    `${clicked} (${(100 * clickRate).toFixed(1)} %)`,
    `${value} (${valuePerVisit.toFixed(2)})`,
    printable(subject, 40),
  ]);
  return [
    wrap(`A/B test: ${testVerdict(test, instant)}`),
    table(rows, ['variant', 'recipients', 'sent', 'opened', 'clicked', 'value (per visit)', 'subject']),
  ].join('\n');
}
