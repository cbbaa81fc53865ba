import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { pairsOf, type TokenKeys } from './token.ts';

/** What a signature is for: one made for one purpose is worth nothing for another. */
export type SignedFor = 'subscription' | 'undo';

/** Bytes of the signature that are kept: nobody tries 2^128 of them. */
const signatureLength = 16;
export const signatureCharacters = Math.ceil((signatureLength * 4) / 3);

/** A signature of a text, to stand in an address or a form. Made with the present key. */
export function signText(purpose: SignedFor, text: string, { authentication }: TokenKeys): string {
  return signature(purpose, text, authentication).toString('base64url');
}

/** Whether a signature is ours, by the present key or an earlier one. Never throws. */
export function isSigned(purpose: SignedFor, text: string, signed: string, keys: TokenKeys): boolean {
  if (signed.length !== signatureCharacters) return false;
  const given = Buffer.from(signed, 'base64url');
  if (given.length !== signatureLength || given.toString('base64url') !== signed) return false;
  return pairsOf(keys).some(({ authentication }) =>
    timingSafeEqual(signature(purpose, text, authentication), given),
  );
}

/** The words in front tell it apart from tracking tokens, whose signed texts begin with their version, a byte of 1. */
function signature(purpose: SignedFor, text: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(`exm ${purpose}\n${text}`).digest().subarray(0, signatureLength);
}
