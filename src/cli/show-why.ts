import { instant, words } from '../reporting/pages/format.ts';
import type { CampaignListEntry, RecipientReport } from '../reporting/recipient/recipient-report.ts';
import { factLines } from './fact-lines.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';
import { wrap } from './wrap.ts';

/** Long enough for any reply of a mail server. */
const textMaximum = 1_000;

/** The answer, then what it was taken from. */
export function whyText(report: RecipientReport, answer: readonly string[]): string {
  const parts = [answer.map((sentence) => wrap(printable(sentence, textMaximum))).join('\n'), facts(report)];
  if (report.events.length > 0) parts.push(eventsText(report));
  return parts.join('\n\n');
}

function facts(report: RecipientReport): string {
  const { campaign, contact, queue, outcome, deferral, exclusions } = report;
  const rows: [string, string | null | undefined][] = [
    ['campaign', `${campaign.name} (${campaign.id})`],
    [
      'contact',
      contact === null
        ? 'none'
        : `${contact.email}, number ${contact.id}, language ${contact.language || 'unknown'}`,
    ],
    ['goes to', listsText(report.lists, 'include')],
    ['leaves out', listsText(report.lists, 'exclude')],
    ['excluded now', exclusions.map(({ reason }) => reason).join(', ') || 'by nothing'],
    ['overruled', report.overruled.join(', ') || null],
    [
      'queued',
      queue === null
        ? 'no'
        : `position ${queue.position} of ${campaign.queued}, language ${queue.language}, variant ${queue.variantName ?? queue.variant ?? 'that wins the A/B test'}`,
    ],
    [
      'put off',
      deferral &&
        `${deferral.attempts === 1 ? 'once' : `${deferral.attempts} times`}, first at ${utc(deferral.firstAt)}, until ${utc(deferral.dueAt)}`,
    ],
    ['last reply', deferral?.reply],
    ['outcome', outcome && `${outcome.kind.replace('_', ' ')} at ${utc(outcome.at)}`],
    ['by', outcome && outcome.server !== '' ? `${outcome.server}, batch ${outcome.batch}` : null],
    ['reason', outcome?.reason],
    ['reply', outcome?.reply],
    ['Message-ID', outcome?.messageId],
    ...report.tests.map(({ at, ok, reply }): [string, string] => [
      'test message',
      `${utc(at)}: ${ok === null ? 'not tried yet' : ok ? 'sent' : 'failed'}${reply ? `, ${reply}` : ''}`,
    ]),
  ];
  return factLines(rows, textMaximum);
}

function utc(iso: string): string {
  return `${instant(iso)} UTC`;
}

function listsText(lists: readonly CampaignListEntry[], role: CampaignListEntry['role']): string {
  const one = ({ name, isMember, optOut }: CampaignListEntry) => {
    const since = optOut === null ? [] : [`opted out ${utc(optOut.since)}: ${optOut.reason}`];
    return `${name} (${[isMember ? 'on it' : 'not on it', ...since].join(', ')})`;
  };
  return (
    lists
      .filter((list) => list.role === role)
      .map(one)
      .join('; ') || 'no list'
  );
}

function eventsText({ events, moreEvents }: RecipientReport): string {
  const rows = events.map((one) => [
    instant(one.at),
    words(one.type),
    one.agent ?? 'not processed yet',
    one.repeats === 0 ? '' : `and ${one.repeats} more within 5 min`,
    one.link === null ? '' : printable(one.url ?? `link ${one.link}`),
  ]);
  return [
    table(rows, ['at (UTC)', 'event', 'by', '', '']),
    ...(moreEvents > 0 ? [`and ${moreEvents} more`] : []),
  ].join('\n');
}
