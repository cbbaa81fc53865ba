import { hasEnded, stateInWords } from '../domain/campaign-state.ts';
import type { AuditEntry } from '../reporting/audit-trail.ts';
import type { CampaignAudit } from '../reporting/campaign-audit.ts';
import type { RecipientInDoubt } from '../reporting/in-doubt.ts';
import { duration, instant } from '../reporting/pages/format.ts';
import { booksTable, excludedTable } from './books-table.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';
import { testText } from './test-table.ts';
import { wrap } from './wrap.ts';

/** A campaign's books for a person, but for the list of those in doubt. All times are UTC. */
export function auditText(audit: CampaignAudit, now = new Date()): string {
  const paragraphs = [
    heading(audit),
    booksTable(audit),
    verdict(audit),
    testText(audit.test),
    excludedTable(audit.excluded),
    deferredText(audit, now),
    serversText(audit),
    batchesText(audit, now),
    trailText(audit.trail),
  ];
  return paragraphs.filter((one) => one !== undefined).join('\n\n');
}

/** What stands above the list of those in doubt; undefined where nobody is. */
export function inDoubtHeading({ totals }: CampaignAudit): string | undefined {
  if (totals.inDoubt === 0) return undefined;
  const who = totals.inDoubt === 1 ? '1 recipient' : `${totals.inDoubt} recipients`;
  return wrap(
    `In doubt: ${who}, whose message was handed over without a reply reaching us. They may have it or not.`,
  );
}

/** The line of one recipient in doubt. An address is never cut. */
export function inDoubtLine(one: RecipientInDoubt, { totals, servers }: CampaignAudit): string {
  const serverWidth = Math.max(0, ...servers.map(({ name }) => name.length));
  return [
    String(one.position).padStart(String(totals.queued).length),
    instant(one.at),
    one.server.padEnd(serverWidth),
    one.email === null ? `contact ${one.contactId}, erased since` : printable(one.email, 320),
    printable(one.reason ?? ''),
  ]
    .join('  ')
    .trimEnd();
}

function heading(audit: CampaignAudit): string {
  const { startedAt, endedAt } = audit;
  const took =
    startedAt !== null && endedAt !== null && (Date.parse(endedAt) - Date.parse(startedAt)) / 1_000;
  const times = [
    `Created ${instant(audit.createdAt)}`,
    ...(startedAt === null ? [] : [`started ${instant(startedAt)}`]),
    ...(endedAt === null ? [] : [`ended ${instant(endedAt)}`]),
  ];
  const length = took === false ? '' : `; took ${duration(took)}`;
  return [
    `${printable(audit.name)} (${audit.id}) is ${stateInWords(audit)}`,
    ...(audit.reason === null ? [] : [wrap(`Reason: ${printable(audit.reason, 600)}`)]),
    wrap(`${times.join(', ')} (UTC)${length}`),
  ].join('\n');
}

function verdict({ id, state, isQueued, totals, differences }: CampaignAudit): string {
  if (differences.length > 0) {
    return [
      'The books do NOT balance:',
      ...differences.map(({ text }) => wrap(`- ${text}`, 2)),
      wrap(
        `The queue or the ledger was changed from outside; "BOOKS_OPEN" in docs/errors.md says what to do.`,
      ),
    ].join('\n');
  }
  if (!isQueued) return 'Nobody has been queued yet.';
  if (totals.remaining > 0) {
    return wrap(
      `No difference so far: ${totals.remaining} of ${totals.queued} have no outcome yet. "exm campaign status ${id}" says what they wait for.`,
    );
  }
  const closed = hasEnded(state) ? '' : ', and are about to be closed';
  return wrap(`The books balance${closed}: each of the ${totals.queued} queued has exactly one outcome.`);
}

function deferredText({ deferred }: CampaignAudit, now: Date): string | undefined {
  const { count, dueNow, nextAt, lastAt, replies } = deferred;
  if (count === 0) return undefined;
  const next = nextAt === null ? [] : [`the next at ${instant(nextAt)}, ${inTime(nextAt, now)}`];
  const last = lastAt === null || lastAt === nextAt ? [] : [`the last at ${instant(lastAt)}`];
  const due = [...(dueNow === 0 ? [] : [`${dueNow} of them now`]), ...next, ...last];
  return [
    wrap(`Put off by their mail servers: ${count} of the remaining. Tried again: ${due.join(', ')}.`),
    table(replies.map((one) => [`  ${printable(one.reply)}`, one.count])),
  ].join('\n');
}

function serversText({ servers }: CampaignAudit): string | undefined {
  if (servers.length === 0) return undefined;
  const rows = servers.map((one) => [
    one.name === '' ? '(none)' : printable(one.name),
    one.sent,
    one.failed,
    one.skipped,
    one.inDoubt,
    one.presence,
  ]);
  return table(rows, ['server', 'sent', 'failed', 'skipped', 'in doubt', 'is']);
}

/** Batches matter to a person only while somebody holds one. */
function batchesText({ batches }: CampaignAudit, now: Date): string | undefined {
  const { taken, ended, inHand } = batches;
  if (taken === ended) return undefined;
  const rows = inHand.map((one) => [
    one.batch,
    `${one.first} to ${one.last}`,
    one.server,
    one.presence,
    duration((now.getTime() - Date.parse(one.since)) / 1_000),
  ]);
  const more = taken - ended - inHand.length;
  return [
    `Batches: ${ended} ended, ${taken - ended} in hand:`,
    table(rows, ['batch', 'positions', 'server', 'is', 'for']),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('\n');
}

/** The reason on a line of its own: it may be long, and is what is looked for. */
function trailText(trail: readonly AuditEntry[]): string | undefined {
  if (trail.length === 0) return undefined;
  const actorWidth = Math.min(30, Math.max(...trail.map(({ actor }) => actor.length)));
  const lines = trail.flatMap((one) => {
    const change = [one.from, one.to].filter((text) => text !== null).join(' → ');
    const why = one.why === null ? [] : [wrap(printable(one.why, 600), 21)];
    return [`${instant(one.at)}  ${printable(one.actor).padEnd(actorWidth)}  ${one.what}: ${change}`, ...why];
  });
  return ['Who did what, when (UTC), and why:', ...lines].join('\n');
}

function inTime(at: string, now: Date): string {
  return `in ${duration((Date.parse(at) - now.getTime()) / 1_000)}`;
}
