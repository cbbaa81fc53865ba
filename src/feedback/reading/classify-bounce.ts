import type { BounceClass } from '../../domain/feedback.ts';
import { classOfStatus } from './class-of-status.ts';
import { classOfWords } from './class-of-words.ts';
import {
  isGeneric,
  parseStatus,
  replyCodeIn,
  type StatusCode,
  statusesIn,
  statusText,
} from './status-code.ts';

/** A mail server's final "no": of an SMTP reply its text ("550 5.1.1 <x@y>: ..."), of a report also its Status. */
export interface Refusal {
  /** RFC 3463. */
  readonly status?: string | undefined;
  readonly text: string;
}

/** Longer answers say nothing more. */
const lookedAtMaximum = 4_000;

/**
 * Decides what a final "no" says about an address: by the codes of RFC 3463, and by words that are known where those are missing
 * or known to be wrong. In doubt the person is there: whatever is not plainly `hard` is `soft`, and what could be about our
 * message or server is `policy`. A code X.7.X is `policy` whatever the words, so that no such answer takes a person off.
 *
 * @returns the class, and the most telling code that was found; empty where there is none.
 */
export function classifyBounce(refusal: Refusal): { readonly class: BounceClass; readonly status: string } {
  const text = refusal.text.slice(0, lookedAtMaximum);
  const given = parseStatus(refusal.status);
  const quoted = statusesIn(text);
  const codes = given === undefined ? quoted : [given, ...quoted];
  const telling =
    codes.find(isPolicy) ??
    codes.find((code) => !isGeneric(code)) ??
    codes.find(({ subject }) => subject !== 0) ??
    codes[0];
  // Some reporting servers make a 5.1.1 of every bare 550 that they get: then it says no more than that.
  const isGuess = quoted.length === 0 && replyCodeIn(text) !== undefined;
  return {
    class: classOf(codes, telling, isGuess, text),
    status: telling === undefined ? '' : statusText(telling),
  };
}

function classOf(
  codes: readonly StatusCode[],
  telling: StatusCode | undefined,
  isGuess: boolean,
  text: string,
): BounceClass {
  if (codes.some(isPolicy)) return 'policy';
  const words = classOfWords(text);
  if (words === 'policy') return 'policy';
  const byCode = telling === undefined ? 'by-words' : classOfStatus(telling);
  if (byCode === 'policy') return 'policy';
  const isForNow = codes.some((code) => code.class === 4) || Math.floor((replyCodeIn(text) ?? 0) / 100) === 4;
  if (isForNow || words === 'soft') return 'soft';
  if (byCode === 'by-words' || (byCode === 'hard' && isGuess)) return words ?? 'soft';
  return byCode;
}

function isPolicy({ subject }: StatusCode): boolean {
  return subject === 7;
}
