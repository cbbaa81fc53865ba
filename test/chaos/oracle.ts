import { type OutcomeKind, outcomeKinds, type Totals } from '../../src/domain/outcome.ts';
import type { Arrival } from './mail-receiver.ts';

/** What the ledger says of a campaign when it has ended. */
export interface Books {
  readonly campaignId: string;
  /** `state (subState)`, as it is shown. */
  readonly state: string;
  /** As `exm campaign status` counts them. */
  readonly totals: Totals;
  readonly queue: readonly { readonly position: number; readonly address: string }[];
  readonly outcomes: readonly {
    readonly position: number;
    readonly kind: OutcomeKind;
    readonly messageId: string | null;
  }[];
}

export interface Expectations {
  /** The states in which it may have ended, as they are shown. */
  readonly ends: readonly string[];
  /** Whether nobody may get it twice, whatever happened. Otherwise nobody is in doubt. */
  readonly atMostOnce: boolean;
}

export interface Findings {
  /** Promises that no fault excuses, each in a sentence. */
  readonly broken: readonly string[];
  /** Outcome `sent`, and not received. */
  readonly missing: number;
  /** Received more often than once, or though its outcome says that it was not. Faults excuse as many as they may cause. */
  readonly repeated: number;
  /** Outcomes `in_doubt`: received, or not. */
  readonly inDoubt: number;
  readonly sent: number;
}

/**
 * Compares the books of a campaign that has ended with what the mail server received of it.
 */
export function judge(
  books: Books,
  arrivals: readonly Arrival[],
  { ends, atMostOnce }: Expectations,
): Findings {
  const broken = [...wrongEnd(books, ends), ...wrongBooks(books)];
  const received = new Map<string, Arrival[]>();
  for (const arrival of arrivals) {
    const of = received.get(arrival.to);
    if (of === undefined) received.set(arrival.to, [arrival]);
    else of.push(arrival);
  }
  const outcomes = new Map(books.outcomes.map((outcome) => [outcome.position, outcome]));
  const missing: string[] = [];
  const otherMessage: string[] = [];
  const twice: string[] = [];
  let repeated = 0;
  for (const { position, address } of books.queue) {
    const outcome = outcomes.get(position);
    const got = received.get(address) ?? [];
    received.delete(address);
    if (got.length > 1) twice.push(address);
    if (outcome?.kind === 'in_doubt') repeated += Math.max(0, got.length - 1);
    else if (outcome?.kind !== 'sent') repeated += got.length;
    else if (got.length === 0) missing.push(address);
    else {
      repeated += got.length - 1;
      if (got.some(({ messageId }) => messageId !== outcome.messageId)) otherMessage.push(address);
    }
  }
  if (missing.length > 0) broken.push(`sent according to the ledger, and not received: ${some(missing)}`);
  if (otherMessage.length > 0)
    broken.push(`received with another Message-ID than the ledger's: ${some(otherMessage)}`);
  if (received.size > 0) broken.push(`received though not queued: ${some([...received.keys()])}`);
  if (atMostOnce && twice.length > 0) broken.push(`received twice, and nobody may be: ${some(twice)}`);
  const count = (counted: OutcomeKind) => books.outcomes.filter(({ kind }) => kind === counted).length;
  const inDoubt = count('in_doubt');
  if (!atMostOnce && inDoubt > 0) broken.push(`${inDoubt} in doubt of a campaign that sends again instead`);
  return { broken, missing: missing.length, repeated, inDoubt, sent: count('sent') };
}

function wrongEnd({ state, outcomes }: Books, ends: readonly string[]): string[] {
  const cancelled = outcomes.filter(({ kind }) => kind === 'cancelled').length;
  if (state === 'Sent' && cancelled > 0) return [`it is Sent, and ${cancelled} recipients were cancelled`];
  return ends.includes(state) ? [] : [`it ended as ${state}, not as ${ends.join(' or ')}`];
}

function wrongBooks({ totals, queue, outcomes }: Books): string[] {
  const wrong: string[] = [];
  const positions = new Set(queue.map(({ position }) => position));
  const times = new Map<number, number>();
  for (const { position } of outcomes) times.set(position, (times.get(position) ?? 0) + 1);
  const without = [...positions].filter((position) => !times.has(position));
  const several = [...times].filter(([, count]) => count > 1).map(([position]) => position);
  const strange = [...times.keys()].filter((position) => !positions.has(position));
  if (without.length > 0) wrong.push(`queued without an outcome: positions ${some(without)}`);
  if (several.length > 0) wrong.push(`more than one outcome: positions ${some(several)}`);
  if (strange.length > 0) wrong.push(`an outcome of a position that is not queued: ${some(strange)}`);
  const counts = Object.fromEntries(
    outcomeKinds.map((kind) => [kind, outcomes.filter((outcome) => outcome.kind === kind).length]),
  );
  const shown = { ...totals, in_doubt: totals.inDoubt };
  const differing = outcomeKinds.filter((kind) => shown[kind] !== counts[kind]);
  if (differing.length > 0 || totals.queued !== queue.length || totals.remaining !== 0) {
    wrong.push(
      `the totals shown, ${JSON.stringify(totals)}, are not the ledger's: ${JSON.stringify(counts)} of ${queue.length}`,
    );
  }
  return wrong;
}

/** The first few, and how many there are. */
function some(list: readonly (string | number)[]): string {
  const shown = list.slice(0, 5).join(', ');
  return list.length > 5 ? `${shown}, ... (${list.length})` : `${shown} (${list.length})`;
}
