import { createCipheriv, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { generateKeys, readKeys } from '../../../src/config/keys.ts';
import { hmacSha256 } from '../../../src/tracking/links/hmac.ts';
import { makeToken } from '../../../src/tracking/links/token.ts';
import fc from '../../support/fast-check.ts';

test("is HMAC-SHA256 as Node's own, for any key and message", () => {
  const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
  fc.assert(
    fc.property(
      bytes(200),
      fc.array(fc.oneof(bytes(100), bytes(3_000)), { maxLength: 4 }),
      (key, messages) => {
        const sign = hmacSha256(key);
        for (const message of messages) {
          expect(sign(message)).toEqual(createHmac('sha256', key).update(message).digest());
        }
      },
    ),
  );
});

test('a token is AES-256-CTR of its payload under a synthetic IV', () => {
  const keys = readKeys(generateKeys());
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(),
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 100 }),
      (position, contactId, campaignId) => {
        const token = Buffer.from(makeToken({ campaignId, position, contactId }, keys), 'base64url');
        const iv = token.subarray(0, 16);
        const plain = createCipheriv('aes-256-ctr', keys.cryptographic, iv).update(token.subarray(16));
        expect(plain.toString('utf8').endsWith(campaignId)).toBe(true);
        expect(createHmac('sha256', keys.authentication).update(plain).digest().subarray(0, 16)).toEqual(iv);
      },
    ),
  );
});
