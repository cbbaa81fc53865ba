import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import type { Keys } from '../config/keys.ts';

/** What a tracking link carries: one recipient of one campaign. */
export interface TokenPayload {
  readonly campaignId: string;
  /** Position in the dispatch queue, from 1; 0 in test messages, which are outside of all statistics. */
  readonly position: number;
  /** 0 where a test message went to an address that is no contact. */
  readonly contactId: number;
}

export type TokenKeys = Pick<Keys, 'cryptographic' | 'authentication'>;

const version = 1;
const ivLength = 16;
/** Bytes of a campaign's id in UTF-8. */
const campaignIdMaximum = 100;
/** version, two numbers of at most 8 bytes each, campaign id */
const payloadMaximum = 1 + 8 + 8 + campaignIdMaximum;
/** Characters of the longest token. */
export const tokenMaximumLength = Math.ceil(((ivLength + payloadMaximum) * 4) / 3);

/**
 * Makes the signed token of a recipient. Deterministic: all messages, and all tries, of one recipient carry the same.
 *
 * A synthetic IV construction (as in RFC 5297) with both keys: iv = first 16 bytes of HMAC-SHA256(authentication key,
 * payload), body = AES-256-CTR(cryptographic key, iv, payload), token = base64url(iv + body). Nobody without the keys
 * can read a token, make one or change one.
 */
export function makeToken(payload: TokenPayload, keys: TokenKeys): string {
  const plain = encodePayload(payload);
  const iv = syntheticIv(plain, keys);
  const cipher = createCipheriv('aes-256-ctr', keys.cryptographic, iv);
  return Buffer.concat([iv, cipher.update(plain)]).toString('base64url');
}

/** Opens a token; undefined for anything that `makeToken` with these keys did not make. Never throws. */
export function openToken(token: string, keys: TokenKeys): TokenPayload | undefined {
  if (token.length > tokenMaximumLength || !/^[A-Za-z0-9_-]+$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  // The last character of base64 has spare bits: only one spelling of a token is accepted.
  if (bytes.length <= ivLength || bytes.toString('base64url') !== token) return undefined;
  const iv = bytes.subarray(0, ivLength);
  const decipher = createDecipheriv('aes-256-ctr', keys.cryptographic, iv);
  const plain = decipher.update(bytes.subarray(ivLength));
  return timingSafeEqual(syntheticIv(plain, keys), iv) ? decodePayload(plain) : undefined;
}

function syntheticIv(plain: Buffer, keys: TokenKeys): Buffer {
  return createHmac('sha256', keys.authentication).update(plain).digest().subarray(0, ivLength);
}

function encodePayload({ campaignId, position, contactId }: TokenPayload): Buffer {
  const id = Buffer.from(campaignId, 'utf8');
  if (id.length === 0 || id.length > campaignIdMaximum) {
    throw new RangeError(`A campaign id has 1 to ${campaignIdMaximum} bytes; this one has ${id.length}.`);
  }
  return Buffer.concat([Buffer.from([version, ...varint(position), ...varint(contactId)]), id]);
}

function decodePayload(plain: Buffer): TokenPayload | undefined {
  if (plain[0] !== version) return undefined;
  const position = readVarint(plain, 1);
  const contactId = position && readVarint(plain, position.end);
  if (!position || !contactId) return undefined;
  const campaignId = plain.toString('utf8', contactId.end);
  return campaignId === '' ? undefined : { campaignId, position: position.value, contactId: contactId.value };
}

/** Seven bits a byte, lowest first; the high bit says that more follow. */
function varint(value: number): number[] {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${value} is not a whole number from 0.`);
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}

function readVarint(bytes: Buffer, start: number): { value: number; end: number } | undefined {
  let value = 0;
  let scale = 1;
  for (let at = start; at < start + 8; at++, scale *= 0x80) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return undefined;
}
