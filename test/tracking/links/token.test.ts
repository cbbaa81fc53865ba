import { describe, expect, test } from 'vitest';
import { makeToken, openToken, tokenMaximumLength } from '../../../src/tracking/links/token.ts';
import { keys, otherKeys } from '../../message/fixtures.ts';
import fc from '../../support/fast-check.ts';

const payloads = fc.record({
  campaignId: fc.stringMatching(/^[a-z0-9-]{1,60}$/),
  position: fc.nat({ max: 2_147_483_647 }),
  contactId: fc.maxSafeNat(),
});

describe('a token', () => {
  test('gives back what was put in, and is the same each time', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const token = makeToken(payload, keys);
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(token.length).toBeLessThanOrEqual(tokenMaximumLength);
        expect(makeToken(payload, keys)).toBe(token);
        expect(openToken(token, keys)).toEqual(payload);
      }),
    );
  });

  test('is another one for each recipient', () => {
    const tokens = Array.from({ length: 1_000 }, (_, position) =>
      makeToken({ campaignId: 'autumn-7k3f', position, contactId: position }, keys),
    );
    expect(new Set(tokens).size).toBe(1_000);
  });

  test('opens with neither of the keys exchanged', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const token = makeToken(payload, keys);
        expect(openToken(token, otherKeys)).toBeUndefined();
        expect(openToken(token, { ...keys, cryptographic: otherKeys.cryptographic })).toBeUndefined();
        expect(openToken(token, { ...keys, authentication: otherKeys.authentication })).toBeUndefined();
      }),
    );
  });

  test('that was cut, lengthened or changed in any one character does not open', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.constantFrom(...'ABCXYZabcxyz0189-_'), (payload, at, other) => {
        const token = makeToken(payload, keys);
        const index = at % token.length;
        const changed = token.slice(0, index) + other + token.slice(index + 1);
        if (changed !== token) expect(openToken(changed, keys)).toBeUndefined();
        expect(openToken(token.slice(0, index), keys)).toBeUndefined();
        expect(openToken(token + other, keys)).toBeUndefined();
      }),
    );
  });

  test('made of anything at all is refused and never throws', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        (text) => openToken(text, keys) === undefined,
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(openToken(Buffer.from(bytes).toString('base64url'), keys)).toBeUndefined();
      }),
    );
    expect(openToken('A'.repeat(1_000_000), keys)).toBeUndefined();
  });

  test('hides whom it is about', () => {
    const token = makeToken({ campaignId: 'autumn-7k3f', position: 7, contactId: 42 }, keys);
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('autumn');
  });

  test('is not made for a recipient that cannot be', () => {
    expect(() => makeToken({ campaignId: '', position: 1, contactId: 1 }, keys)).toThrow(RangeError);
    expect(() => makeToken({ campaignId: 'x'.repeat(101), position: 1, contactId: 1 }, keys)).toThrow(
      RangeError,
    );
    expect(() => makeToken({ campaignId: 'x', position: -1, contactId: 1 }, keys)).toThrow(RangeError);
    expect(() => makeToken({ campaignId: 'x', position: 1, contactId: 1.5 }, keys)).toThrow(RangeError);
  });
});

describe('after a change of keys', () => {
  const changed = { ...keys, earlier: [otherKeys] };

  test('a token made with the earlier ones is read, and none is made with them', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        expect(openToken(makeToken(payload, otherKeys), changed)).toEqual(payload);
        expect(makeToken(payload, changed)).toBe(makeToken(payload, keys));
      }),
    );
  });

  test('a mix of earlier and present keys opens nothing', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const mixed = { cryptographic: keys.cryptographic, authentication: otherKeys.authentication };
        expect(openToken(makeToken(payload, mixed), changed)).toBeUndefined();
      }),
    );
  });
});
