import type { PositionRange } from '../../domain/batch-plan.ts';
import { type Outcome, outcomeKinds } from '../../domain/outcome.ts';
import type { ProcessRecord } from '../../local/process-identity.ts';
import type { RecordedDeferral, RecordedOutcome } from '../ledger/lease.ts';
import { storableDeferral, storableOutcome } from '../ledger/storable.ts';

/** Whose journal it is: the first line of each of its files. */
export interface JournalOwner {
  readonly server: string;
  readonly host: string;
  /** The space of process ids that `process` belongs to. */
  readonly pids: string;
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
  const { campaignId, batch, lease } = of;
  // By hand: it is written for each message, and what is quoted of it is short.
  return `["o",${JSON.stringify(campaignId)},${batch},${lease},${position},${contactId},${JSON.stringify(outcome)},${at.getTime()}]\n`;
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

/** A line as the database can hold it. Anybody may have written to the file: what is out of bounds is no line. */
function parseEntry([type, campaignId, batch, lease, ...rest]: unknown[]): JournalEntry | undefined {
  if (!isText(campaignId) || !isNumber(batch) || !isNumber(lease)) return undefined;
  const of = { campaignId, batch, lease };
  const [one, two, three, four, five] = rest;
  if (!isNumber(one)) return undefined;
  switch (type) {
    case 'o': {
      if (!isNumber(two, Number.MAX_SAFE_INTEGER) || !isOutcome(three) || !isNumber(four, latestMs)) {
        return undefined;
      }
      const recorded = { position: one, contactId: two, outcome: three, at: new Date(four) };
      return { type: 'outcome', ...of, ...storableOutcome(recorded) };
    }
    case 'd': {
      if (!isNumber(two) || !isSpan(three) || !isSpan(four) || typeof five !== 'string') return undefined;
      const deferral = { position: one, attempts: two, sinceFirstMs: three, dueInMs: four, reply: five };
      return { type: 'deferral', ...of, ...storableDeferral(deferral) };
    }
    case 'a':
      if (!isNumber(two)) return undefined;
      return { type: 'announced', ...of, range: { first: one, last: two } };
    case 'b':
      return { type: 'begun', ...of, position: one };
    default:
      return undefined;
  }
}

function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const { kind, reason, reply, messageId } = value as Record<string, unknown>;
  const isTextOrNone = (text: unknown) => text === undefined || typeof text === 'string';
  return outcomeKinds.some((known) => known === kind) && [reason, reply, messageId].every(isTextOrNone);
}

function isOwner(value: unknown): value is JournalOwner {
  if (typeof value !== 'object' || value === null || !('journal' in value) || value.journal !== format)
    return false;
  const { server, host, pids, process } = value as Partial<Record<keyof JournalOwner, unknown>>;
  if (!isText(server) || !isText(host) || typeof pids !== 'string') return false;
  if (typeof process !== 'object' || process === null) return false;
  const { pid, identity } = process as Partial<Record<keyof ProcessRecord, unknown>>;
  return isNumber(pid) && typeof identity === 'string';
}

/** The database's largest integer. */
const largestInteger = 2 ** 31 - 1;
/** Times and spans are below this, milliseconds: some three hundred years. */
const latestMs = 1e13;

function isNumber(value: unknown, largest = largestInteger): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= largest;
}

function isSpan(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= latestMs;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0');
}
