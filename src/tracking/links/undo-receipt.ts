import { undoMs } from '../../contacts/consent/said-again.ts';
import { isSigned, signText } from './signed-text.ts';
import type { TokenKeys, TokenPayload } from './token.ts';

/**
 * What a page carries to take back what was done at `at` (microseconds, see `Unsubscribed`): only who did it has it. The
 * token alone, which stands in the message and is passed on with it, takes no "no" back.
 */
export function makeUndoReceipt(payload: TokenPayload, at: string, keys: TokenKeys): string {
  return `${at}.${signText('undo', signedText(payload, at), keys)}`;
}

/** @returns when that was done; undefined for what is not ours, of another recipient, or too old. */
export function openUndoReceipt(
  receipt: string,
  payload: TokenPayload,
  keys: TokenKeys,
  now = Date.now(),
): string | undefined {
  const [, at = '', signed = ''] = /^(\d{1,17})\.([\w-]{1,100})$/.exec(receipt) ?? [];
  if (at === '' || !isSigned('undo', signedText(payload, at), signed, keys)) return undefined;
  return now - Number(at) / 1_000 <= undoMs ? at : undefined;
}

function signedText({ campaignId, position, contactId }: TokenPayload, at: string): string {
  return `${at} ${position} ${contactId} ${campaignId}`;
}
