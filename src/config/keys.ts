import { randomBytes } from 'node:crypto';
import { InputError } from '../domain/errors.ts';

/** The three keys of an installation, 64 hexadecimal characters each. EXM's names. */
export interface Keys {
  /** Between our own servers. */
  readonly internalApi: Buffer;
  /** Encrypts what tracking links carry. */
  readonly cryptographic: Buffer;
  /** Signs what tracking links carry. */
  readonly authentication: Buffer;
}

export const keyVariables = {
  internalApi: 'EXM_INTERNAL_API_KEY',
  cryptographic: 'EXM_CRYPTOGRAPHIC_KEY',
  authentication: 'EXM_AUTHENTICATION_KEY',
} as const satisfies Record<keyof Keys, string>;

/** Keys that everybody knows: all zero, and the two printed in EXM's public documentation. */
const publicKeys = new Set([
  '0'.repeat(64),
  'e040c938fc9e4ebc3e93330b0f7837f284207b8180db64cb5b6abeb1afbf6f5b',
  '9d80b4e56aee694058567bd89c936fb88f2db1272a4e88f419b6501919e0bb25',
]);

/** Three new random keys as environment variables. */
export function generateKeys(): Record<(typeof keyVariables)[keyof Keys], string> {
  const key = () => randomBytes(32).toString('hex').toUpperCase();
  return { EXM_INTERNAL_API_KEY: key(), EXM_CRYPTOGRAPHIC_KEY: key(), EXM_AUTHENTICATION_KEY: key() };
}

/**
 * Reads and checks the keys. Every role calls this at start.
 * @throws InputError that names the variable and never shows its value.
 */
export function readKeys(env: Readonly<Record<string, string | undefined>>): Keys {
  const keys = {
    internalApi: readKey(env, keyVariables.internalApi),
    cryptographic: readKey(env, keyVariables.cryptographic),
    authentication: readKey(env, keyVariables.authentication),
  };
  const different = new Set(Object.values(keys).map((key) => key.toString('hex')));
  if (different.size < 3) {
    throw new InputError('KEY_REUSED', 'Two of the three keys are the same.', {
      field: Object.values(keyVariables).join(', '),
      hint: 'Generate three different ones with "exm keys generate".',
    });
  }
  return keys;
}

function readKey(env: Readonly<Record<string, string | undefined>>, variable: string): Buffer {
  const value = env[variable];
  if (value === undefined || value === '') {
    throw new InputError('KEY_MISSING', `The key ${variable} is not set.`, {
      field: variable,
      hint: 'Generate keys with "exm keys generate" and give every process the same ones.',
    });
  }
  if (!/^[0-9a-fA-F]{64}$/.test(value)) {
    throw new InputError(
      'KEY_MALFORMED',
      `The key ${variable} must be 64 hexadecimal characters; it has ${value.length} characters.`,
      {
        field: variable,
        hint: 'Generate keys with "exm keys generate".',
      },
    );
  }
  if (publicKeys.has(value.toLowerCase())) {
    throw new InputError('KEY_PUBLIC', `The key ${variable} is an example key that everybody knows.`, {
      field: variable,
      hint: 'Generate keys of your own with "exm keys generate".',
    });
  }
  return Buffer.from(value, 'hex');
}
