import { hasStepsLeft, stateInWords } from '../domain/campaign-state.ts';
import type { WatchedStatus } from './campaign-workflow.ts';
import { table } from './table.ts';

/** A campaign's books for a person. */
export function statusText(status: WatchedStatus): string {
  const { totals } = status;
  const books: [string, number][] = [
    ['queued', totals.queued],
    ['= sent', totals.sent],
    ['+ failed', totals.failed],
    ...reasons(status.failedByReason),
    ['+ skipped', totals.skipped],
    ...reasons(status.skippedByReason),
    ['+ cancelled', totals.cancelled],
    ['+ in doubt', totals.inDoubt],
    ['+ remaining', totals.remaining],
  ];
  const parts = [`${status.name} (${status.id}) is ${stateInWords(status)}`];
  if (status.reason !== null) parts.push(`Reason: ${status.reason}`);
  // A workflow that is gone has its own advice in the reason.
  if (hasStepsLeft(status) && status.subState === 'Paused' && status.workflowRuns !== false) {
    parts.push(
      `"exm campaign resume ${status.id}" runs that step again; "exm campaign cancel ${status.id}" gives it up, with those of your own that follow.`,
    );
  }
  parts.push('', table(books));
  if (status.deferred > 0)
    parts.push(
      '',
      `${status.deferred} of the remaining were put off by their mail servers and are tried again.`,
    );
  const excluded = Object.entries(status.excluded).filter(([, count]) => count > 0);
  if (excluded.length > 0) parts.push('', 'On the lists, but not queued:', indent(table(excluded)));
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

function reasons(byReason: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(byReason).map(([reason, count]) => [`    ${reason}`, count]);
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
