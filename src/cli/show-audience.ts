import type {
  AudienceLists,
  AudienceOverlaps,
  AudienceReport,
  ExcludedList,
} from '../contacts/audience/audience-report.ts';
import { type StateAndSubState, stateInWords } from '../domain/campaign-state.ts';
import { count, instant } from '../reporting/pages/format.ts';
import { printable } from './printable.ts';
import { screenWidth, table } from './table.ts';
import { wrap } from './wrap.ts';

export interface ShownAudience extends AudienceReport, StateAndSubState {
  readonly id: string;
  readonly name: string;
  /** When it was queued for certain; ISO 8601. */
  readonly queuedAt: string | null;
}

const indent = '  ';
/** Pairs of reasons that are listed; what is rarer is in the JSON. */
const pairsShown = 10;

/** A campaign's audience for a person. All times are UTC. */
export function audienceText(audience: ShownAudience): string {
  const { lists } = audience;
  const paragraphs = [
    heading(audience),
    table(sumRows(audience.isNamed ? 'named' : 'memberships', audience)),
    ...(lists === null ? [wrap(notKept(audience.id))] : listParagraphs(lists, audience.isNamed)),
  ];
  return paragraphs.filter((one) => one !== '').join('\n\n');
}

function heading({ name, id, state, subState, basis, isNamed, queued, queuedAt }: ShownAudience): string {
  const who = queued === 0 ? 'nobody' : queued === 1 ? '1 person' : `${count(queued)} people`;
  const by = isNamed ? ' of those whom the DispatchManager names' : '';
  const verdict =
    basis === 'now'
      ? `If it were queued now, ${who}${by} would get it.`
      : `It was queued for ${who}${queuedAt === null ? '' : `, before ${instant(queuedAt)} UTC`}. This is what was stored then.`;
  return [`${printable(name)} (${id}) is ${stateInWords({ state, subState })}`, wrap(verdict)].join('\n');
}

function notKept(id: string): string {
  return `What was counted for each list, and who was left out for two reasons, is not kept. "exm why ${id} ADDRESS" says it of one person.`;
}

/** Memberships as the sum of what became of them. */
function sumRows(
  label: string,
  { memberships, queued, excluded }: Pick<AudienceReport, 'memberships' | 'queued' | 'excluded'>,
): [string, number][] {
  return [
    [label, memberships],
    ['= queued', queued],
    ...Object.entries(excluded).map(([reason, people]): [string, number] => [`+ ${reason}`, people]),
  ];
}

function listParagraphs({ included, excluded, overlaps }: AudienceLists, isNamed: boolean): string[] {
  return [
    included.length < 2 ? '' : byList(included),
    excluded.length === 0 ? '' : `Left out\n${table(excluded.map(excludedRow))}`,
    overlapsText(overlaps, isNamed),
  ];
}

function byList(included: AudienceLists['included']): string {
  const rows = included.flatMap((list, index) => [
    ...(index === 0 ? [] : [null]),
    ...sumRows(nameOf(list), list),
  ]);
  // One table, so that all numbers stand below each other.
  const lines = table(
    rows.filter((row) => row !== null),
    undefined,
    screenWidth() - indent.length,
  ).split('\n');
  return [
    wrap('By list; who is on several counts for the first that they have not opted out of'),
    ...rows.map((row) => (row === null ? '' : `${indent}${lines.shift() ?? ''}`)),
  ].join('\n');
}

function excludedRow(list: ExcludedList): (string | number)[] {
  return [`  ${nameOf(list)}`, list.onIncluded, `of ${count(list.members)} on an included list`];
}

function nameOf({ name, isSegment }: { readonly name: string; readonly isSegment: boolean }): string {
  return isSegment ? `${printable(name)} (segment)` : printable(name);
}

function overlapsText(
  { reasons, onSeveralLists, onExcludedLists }: AudienceOverlaps,
  isNamed: boolean,
): string {
  const repeats = isNamed ? 'named more than once' : 'on several included lists';
  const excluded = isNamed ? 'named, and on an excluded list' : 'on an included and an excluded list';
  const rows: [number, string][] = [
    ...(onSeveralLists === 0
      ? []
      : [[onSeveralLists, `${repeats}: each gets it once at the most`] as [number, string]]),
    ...(onExcludedLists === 0
      ? []
      : [[onExcludedLists, `${excluded}: they get nothing`] as [number, string]]),
    ...reasons
      .slice(0, pairsShown)
      .map((pair): [number, string] => [pair.people, `both ${pair.reasons.join(' and ')}`]),
  ];
  if (rows.length === 0) return '';
  const more = reasons.length - pairsShown;
  return [
    'Overlaps',
    table(rows, undefined, screenWidth() - indent.length).replace(/^/gm, indent),
    ...(more > 0 ? [`  and ${more} rarer pairs; --json has them`] : []),
  ].join('\n');
}
