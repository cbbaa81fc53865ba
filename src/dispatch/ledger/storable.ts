import { type Outcome, outcomeKinds } from '../../domain/outcome.ts';
import type { RecordedDeferral, RecordedOutcome } from './lease.ts';

/** Longest text that is kept of a reply or a reason, characters. */
const longestText = 500;

/**
 * What comes from outside, as the database can hold it: PostgreSQL's text holds no NUL character, and nobody needs a
 * reply of a megabyte. An outcome of no known kind (from a step of the installation's own) is a failure.
 */
export function storableOutcome(recorded: RecordedOutcome): RecordedOutcome {
  const { outcome } = recorded;
  if (!outcomeKinds.includes(outcome.kind)) {
    return { ...recorded, outcome: { kind: 'failed', reason: 'a step set an outcome of no known kind' } };
  }
  if (isStorable(outcome)) return recorded;
  const cleaned = Object.entries(outcome).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, cleanText(String(value))]],
  );
  return { ...recorded, outcome: Object.fromEntries(cleaned) as Outcome };
}

/** True for nearly all, of which no copy is made. */
function isStorable(outcome: Outcome): boolean {
  const { reason, reply, messageId }: Partial<Record<string, unknown>> = outcome;
  return isClean(reason) && isClean(reply) && isClean(messageId);
}

export function storableDeferral(deferral: RecordedDeferral): RecordedDeferral {
  return { ...deferral, reply: cleanText(deferral.reply) };
}

/** What is booked where the outcome itself cannot be: nobody is left without one. */
export function unrecordable(recorded: RecordedOutcome): RecordedOutcome {
  const reason = `the outcome could not be recorded; it was: ${recorded.outcome.kind}`;
  return { ...recorded, outcome: { kind: 'failed', reason } };
}

function isClean(text: unknown): boolean {
  if (text === undefined) return true;
  return (
    typeof text === 'string' && text.length <= longestText && !text.includes('\0') && text.isWellFormed()
  );
}

function cleanText(text: string): string {
  return text
    .slice(0, longestText)
    .replaceAll('\0', '')
    .replace(/\p{Surrogate}/gu, '\ufffd');
}
