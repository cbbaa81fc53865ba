import { withoutAddresses } from '../domain/error-message.ts';
import type { BounceDetail } from '../domain/feedback.ts';
import type { Outcome } from '../domain/outcome.ts';
import { classifyBounce } from '../feedback/reading/classify-bounce.ts';
import { emulatedRefusal } from '../smtp/emulation.ts';

/** Why a message failed that a mail server has answered. */
export const answeredReasons = {
  refused: 'refused by the mail server',
  putOff: 'put off by the mail server for too long',
} as const;

/**
 * The Bounce event of an outcome: what the mail server has said for good about this recipient or message is one as if it had
 * come back by mail. Undefined for all else: a failure that no mail server answered says nothing about an address, and one of
 * emulation mode was never said.
 */
export function bounceOf(outcome: Outcome): BounceDetail | undefined {
  if (outcome.kind !== 'failed' || outcome.reply === undefined) return undefined;
  const { reason, reply } = outcome;
  const isRefused = reason === answeredReasons.refused && /^5\d\d/.test(reply) && reply !== emulatedRefusal;
  const isPutOff = reason === answeredReasons.putOff && /^4\d\d/.test(reply);
  if (!isRefused && !isPutOff) return undefined;
  const { class: kind, status } = classifyBounce({ text: reply });
  return { class: isPutOff ? 'soft' : kind, status, text: withoutAddresses(reply), by: 'smtp-reply' };
}
