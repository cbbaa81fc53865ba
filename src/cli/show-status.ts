import { hasStepsLeft, stateInWords } from '../domain/campaign-state.ts';
import { booksTable, excludedTable } from './books-table.ts';
import type { WatchedStatus } from './campaign-workflow.ts';
import { table } from './table.ts';
import { testText } from './test-table.ts';

/** A campaign's books for a person. */
export function statusText(status: WatchedStatus): string {
  const parts = [`${status.name} (${status.id}) is ${stateInWords(status)}`];
  if (status.reason !== null) parts.push(`Reason: ${status.reason}`);
  // A workflow that is gone has its own advice in the reason.
  if (hasStepsLeft(status) && status.subState === 'Paused' && status.workflowRuns !== false) {
    parts.push(
      `"exm campaign resume ${status.id}" runs that step again; "exm campaign cancel ${status.id}" gives it up, with those of your own that follow.`,
    );
  }
  parts.push('', booksTable(status));
  if (status.deferred > 0)
    parts.push(
      '',
      `${status.deferred} of the remaining were put off by their mail servers and are tried again.`,
    );
  const test = testText(status.test);
  if (test !== undefined) parts.push('', test);
  if (status.reason === null)
    parts.push(
      ...status.unready.flatMap(({ name, why }) => ['', `${name} cannot send it; others can. ${why}`]),
    );
  const excluded = excludedTable(status.excluded);
  if (excluded !== undefined) parts.push('', excluded);
  if (status.servers.length > 0) {
    const rows = status.servers.map(({ name, sent, sleepMs }) => [
      name,
      sent,
      sleepMs === null ? '-' : `${sleepMs} ms`,
    ]);
    parts.push('', table(rows, ['server', 'sent', 'sleep']));
  }
  return parts.join('\n');
}
