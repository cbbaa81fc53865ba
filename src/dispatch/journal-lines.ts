import type { PositionRange } from '../domain/batch-plan.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { ProcessRecord } from '../local/process-identity.ts';
import type { RecordedDeferral, RecordedOutcome } from './lease.ts';

/** Whose journal it is: the first line of each of its files. */
export interface JournalOwner {
  readonly server: string;
  readonly host: string;
  readonly process: ProcessRecord;
}

/** The batch that a line belongs to, and the attempt that wrote it. */
export interface JournalBatch {
  readonly campaignId: string;
  readonly batch: number;
  readonly lease: number;
}

/** One line of a journal: what became of a recipient, or what is about to be handed over. */
export type JournalEntry = JournalBatch &
  (
    | ({ readonly type: 'outcome' } & RecordedOutcome)
    | ({ readonly type: 'deferral' } & RecordedDeferral)
    /** This group is about to be announced in the database: from here on the journal tells of each message that is begun. */
    | { readonly type: 'announced'; readonly range: PositionRange }
    /** This message of an announced group is about to go out. */
    | { readonly type: 'begun'; readonly position: number }
  );

export interface ParsedJournal {
  /** Undefined where nothing had been written yet. */
  readonly owner: JournalOwner | undefined;
  readonly entries: JournalEntry[];
  /** Lines that are none: a process that was killed while it wrote leaves one at the end. */
  readonly damaged: number;
}

const format = 1;

/** One line of JSON each, since anybody who has to may read it. */
export function ownerLine(owner: JournalOwner): string {
  return `${JSON.stringify({ journal: format, ...owner })}\n`;
}

export function outcomeLine(of: JournalBatch, { position, contactId, outcome, at }: RecordedOutcome): string {
  return line('o', of, position, contactId, outcome, at.getTime());
}

export function deferralLine(of: JournalBatch, deferral: RecordedDeferral): string {
  const { position, attempts, sinceFirstMs, dueInMs, reply } = deferral;
  return line('d', of, position, attempts, sinceFirstMs, dueInMs, reply);
}

export function announcedLine(of: JournalBatch, { first, last }: PositionRange): string {
  return line('a', of, first, last);
}

export function begunLine(of: JournalBatch, position: number): string {
  return line('b', of, position);
}

export function parseJournal(text: string): ParsedJournal {
  let owner: JournalOwner | undefined;
  const entries: JournalEntry[] = [];
  let damaged = 0;
  for (const raw of text.split('\n')) {
    if (raw === '') continue;
    const value = parseJson(raw);
    const entry = Array.isArray(value) ? parseEntry(value) : undefined;
    if (entry !== undefined) entries.push(entry);
    else if (isOwner(value)) owner = value;
    else damaged++;
  }
  return { owner, entries, damaged };
}

function line(type: string, { campaignId, batch, lease }: JournalBatch, ...rest: unknown[]): string {
  return `${JSON.stringify([type, campaignId, batch, lease, ...rest])}\n`;
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

function parseEntry([type, campaignId, batch, lease, ...rest]: unknown[]): JournalEntry | undefined {
  if (typeof campaignId !== 'string' || typeof batch !== 'number' || typeof lease !== 'number')
    return undefined;
  const of = { campaignId, batch, lease };
  const [one, two, three, four, five] = rest;
  if (typeof one !== 'number') return undefined;
  switch (type) {
    case 'o':
      if (typeof two !== 'number' || typeof four !== 'number' || !isOutcome(three)) return undefined;
      return { type: 'outcome', ...of, position: one, contactId: two, outcome: three, at: new Date(four) };
    case 'd': {
      const numbers = [two, three, four].every((value) => typeof value === 'number');
      if (!numbers || typeof five !== 'string') return undefined;
      const [attempts, sinceFirstMs, dueInMs] = [Number(two), Number(three), Number(four)];
      return { type: 'deferral', ...of, position: one, attempts, sinceFirstMs, dueInMs, reply: five };
    }
    case 'a':
      if (typeof two !== 'number') return undefined;
      return { type: 'announced', ...of, range: { first: one, last: two } };
    case 'b':
      return { type: 'begun', ...of, position: one };
    default:
      return undefined;
  }
}

/** Its kind is checked by the database. */
function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
}

function isOwner(value: unknown): value is JournalOwner {
  if (typeof value !== 'object' || value === null || !('journal' in value) || value.journal !== format)
    return false;
  const { server, host, process } = value as Partial<Record<keyof JournalOwner, unknown>>;
  return (
    typeof server === 'string' && typeof host === 'string' && typeof process === 'object' && process !== null
  );
}
