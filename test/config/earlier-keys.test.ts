import { describe, expect, test } from 'vitest';
import { earlierKeysVariable, generateKeys, readKeys, rotateKeys } from '../../src/config/keys.ts';
import { InputError } from '../../src/domain/errors.ts';
import { makeToken, openToken } from '../../src/tracking/links/token.ts';

const payload = { campaignId: 'autumn-7k3f', position: 7, contactId: 12 };

function refusal(earlier: string, env = generateKeys()): InputError {
  try {
    readKeys({ ...env, [earlierKeysVariable]: earlier });
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('the keys were taken');
}

describe('a change of keys', () => {
  test('keeps every token readable that was made before, over several changes', () => {
    let env: Readonly<Record<string, string>> = generateKeys();
    const tokens: string[] = [];
    for (let change = 0; change < 5; change++) {
      tokens.push(makeToken(payload, readKeys(env)));
      env = rotateKeys(env);
    }
    const present = readKeys(env);
    expect(new Set(tokens).size).toBe(5);
    expect(tokens.map((token) => openToken(token, present))).toEqual(tokens.map(() => payload));
    expect(tokens).not.toContain(makeToken(payload, present));
  });

  test('leaves the key between our own servers as it is', () => {
    const env = generateKeys();
    expect(rotateKeys(env).EXM_INTERNAL_API_KEY).toBe(env.EXM_INTERNAL_API_KEY);
  });

  test('is refused where the oldest pair would be lost', () => {
    let env: Readonly<Record<string, string>> = generateKeys();
    for (let change = 0; change < 20; change++) env = rotateKeys(env);
    expect(() => rotateKeys(env)).toThrow(expect.objectContaining({ code: 'KEYS_TOO_MANY' }));
  });
});

describe('earlier keys', () => {
  const key = 'AB'.repeat(32);
  const other = 'CD'.repeat(32);
  const known = '9D80B4E56AEE694058567BD89C936FB88F2DB1272A4E88F419B6501919E0BB25';

  test.each([
    ['one key alone', key, 'KEY_MALFORMED'],
    ['three keys in a pair', `${key}:${other}:${key}`, 'KEY_MALFORMED'],
    ['a key that is cut', `${key}:${other.slice(1)}`, 'KEY_MALFORMED'],
    ['a comma at the end', `${key}:${other},`, 'KEY_MALFORMED'],
    ['a key that everybody knows', `${key}:${known}`, 'KEY_PUBLIC'],
    ['a zero key', `${'0'.repeat(64)}:${other}`, 'KEY_PUBLIC'],
  ])('are refused with %s, which is not shown', (_what, value, code) => {
    const error = refusal(value);
    expect(error.code).toBe(code);
    expect(JSON.stringify([error.message, error.value, error.hint])).not.toContain(value.slice(10, 40));
  });

  test('are refused where the present ones are among them', () => {
    const env = generateKeys();
    const pair = `${env.EXM_CRYPTOGRAPHIC_KEY}:${env.EXM_AUTHENTICATION_KEY}`;
    expect(refusal(pair, env).code).toBe('KEY_REUSED');
  });
});
