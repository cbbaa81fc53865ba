import { Buffer } from 'node:buffer';
import { createCipheriv, timingSafeEqual } from 'node:crypto';
import type { TrackingKeys } from '../../config/keys.ts';
import { hmacSha256 } from './hmac.ts';

/** What a tracking link carries: one recipient of one campaign. */
export interface TokenPayload {
  readonly campaignId: string;
  /** Position in the dispatch queue, from 1; 0 in test messages, which are outside of all statistics. */
  readonly position: number;
  /** 0 where a test message went to an address that is no contact. */
  readonly contactId: number;
}

/** What is made is made with the present keys; what was made with earlier ones is read. */
export type TokenKeys = TrackingKeys & { readonly earlier?: readonly TrackingKeys[] };

/** All pairs by which something may have been made, the present one first. */
export function pairsOf(keys: TokenKeys): readonly TrackingKeys[] {
  return [keys, ...(keys.earlier ?? [])];
}

const version = 1;
const ivLength = 16;
const markLength = 12;
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
  return makeTokenAndMark(payload, keys).token;
}

/**
 * The token, and a mark of the same recipient: 24 hexadecimal digits that nobody without the keys can make, and of which
 * nothing about the token can be learnt. They are the rest of the digest whose first half is the token's IV.
 */
export function makeTokenAndMark(payload: TokenPayload, keys: TokenKeys): { token: string; mark: string } {
  const token = encodePayload(payload);
  const plain = token.subarray(ivLength);
  const { digest, keyStream } = cryptoOf(keys);
  const whole = digest(plain);
  const stream = keyStream(whole, plain.length);
  for (let index = 0; index < ivLength; index++) token[index] = whole[index] ?? 0;
  for (let index = 0; index < plain.length; index++) {
    token[ivLength + index] = (token[ivLength + index] ?? 0) ^ (stream[index] ?? 0);
  }
  return {
    token: token.toString('base64url'),
    mark: whole.toString('hex', ivLength, ivLength + markLength),
  };
}

/**
 * Another mark of the same recipient, for addresses of ours: made of the one in the Message-ID, which replies and archives pass
 * on, so that who knows that one cannot make this one. 24 hexadecimal digits.
 */
export function returnMark(mark: string, keys: TrackingKeys): string {
  const block = Buffer.allocUnsafe(ivLength);
  block.write(mark, 0, markLength, 'hex');
  block.write('path', markLength, 'latin1');
  return cryptoOf(keys).keyStream(block, ivLength).toString('hex', 0, markLength);
}

/** Opens a token; undefined for anything that `makeToken` with these keys, or the earlier ones, did not make. Never throws. */
export function openToken(token: string, keys: TokenKeys): TokenPayload | undefined {
  if (token.length > tokenMaximumLength || !/^[A-Za-z0-9_-]+$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  // The last character of base64 has spare bits: only one spelling of a token is accepted.
  if (bytes.length <= ivLength || bytes.toString('base64url') !== token) return undefined;
  for (const pair of pairsOf(keys)) {
    const payload = openWith(pair, bytes);
    if (payload !== undefined) return payload;
  }
  return undefined;
}

function openWith(keys: TrackingKeys, bytes: Buffer): TokenPayload | undefined {
  const { digest, keyStream } = cryptoOf(keys);
  const iv = bytes.subarray(0, ivLength);
  const plain = Buffer.from(bytes.subarray(ivLength));
  const stream = keyStream(iv, plain.length);
  for (let index = 0; index < plain.length; index++)
    plain[index] = (plain[index] ?? 0) ^ (stream[index] ?? 0);
  return timingSafeEqual(digest(plain).subarray(0, ivLength), iv) ? decodePayload(plain) : undefined;
}

interface TokenCrypto {
  readonly digest: (plain: Buffer) => Buffer;
  /** As many bytes as asked for, or a few more. The IV is the first 16 bytes of what is given. */
  readonly keyStream: (iv: Buffer, length: number) => Buffer;
}

const known = new WeakMap<TrackingKeys, TokenCrypto>();

/** What is made of the keys once: a cipher object for each token would cost more than the token. */
function cryptoOf(keys: TrackingKeys): TokenCrypto {
  const made = known.get(keys) ?? makeCrypto(keys);
  known.set(keys, made);
  return made;
}

function makeCrypto(keys: TrackingKeys): TokenCrypto {
  // CTR (NIST SP 800-38A section 6.5) is the block cipher of a counter that begins with the IV.
  const cipher = createCipheriv('aes-256-ecb', keys.cryptographic, null).setAutoPadding(false);
  return {
    digest: hmacSha256(keys.authentication),
    keyStream: (iv, length) => {
      const counters = Buffer.allocUnsafe(Math.ceil(length / ivLength) * ivLength);
      for (let index = 0; index < ivLength; index++) counters[index] = iv[index] ?? 0;
      for (let at = ivLength; at < counters.length; at += ivLength) {
        counters.copyWithin(at, at - ivLength, at);
        for (let index = at + ivLength - 1; index >= at; index--) {
          const next = ((counters[index] ?? 0) + 1) & 0xff;
          counters[index] = next;
          if (next !== 0) break;
        }
      }
      return cipher.update(counters);
    },
  };
}

/** The payload, behind room for the IV. */
function encodePayload({ campaignId, position, contactId }: TokenPayload): Buffer {
  const id = bytesOf(campaignId);
  const length = ivLength + 1 + varintLength(position) + varintLength(contactId) + id.length;
  const encoded = Buffer.allocUnsafe(length);
  encoded[ivLength] = version;
  const at = writeVarint(encoded, contactId, writeVarint(encoded, position, ivLength + 1));
  encoded.set(id, at);
  return encoded;
}

/** Thousands of tokens are of the same campaign. */
let lastCampaign = { id: '', bytes: Buffer.alloc(0) };

function bytesOf(campaignId: string): Buffer {
  if (campaignId === lastCampaign.id && campaignId !== '') return lastCampaign.bytes;
  const bytes = Buffer.from(campaignId, 'utf8');
  if (bytes.length === 0 || bytes.length > campaignIdMaximum) {
    throw new RangeError(`A campaign id has 1 to ${campaignIdMaximum} bytes; this one has ${bytes.length}.`);
  }
  lastCampaign = { id: campaignId, bytes };
  return bytes;
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
function varintLength(value: number): number {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${value} is not a whole number from 0.`);
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** @returns where it ends */
function writeVarint(bytes: Buffer, value: number, start: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at++] = rest;
  return at;
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
