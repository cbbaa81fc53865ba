import { createHash, randomBytes } from 'node:crypto';
import { InputError } from '../domain/errors.ts';
import type { Environment } from './environment.ts';

/** The three keys of an installation, 64 hexadecimal characters each. EXM's names. */
export interface Keys {
  /** Between our own servers. */
  readonly internalApi: Buffer;
  /** Encrypts what tracking links carry. */
  readonly cryptographic: Buffer;
  /** Signs what tracking links carry. */
  readonly authentication: Buffer;
  /** Pairs that were the tracking keys before: links of mail that was sent with them are read still, none is made. */
  readonly earlier: readonly TrackingKeys[];
}

/** The two keys of tracking links, return paths and Message-IDs. They are changed together. */
export type TrackingKeys = Pick<Keys, 'cryptographic' | 'authentication'>;

export const keyVariables = {
  internalApi: 'EXM_INTERNAL_API_KEY',
  cryptographic: 'EXM_CRYPTOGRAPHIC_KEY',
  authentication: 'EXM_AUTHENTICATION_KEY',
} as const satisfies Record<Exclude<keyof Keys, 'earlier'>, string>;

/** EXM_EARLIER_KEYS: `cryptographic:authentication`, more of them after commas. */
export const earlierKeysVariable = 'EXM_EARLIER_KEYS';
/** As many as ten years of a change every half year. */
const earlierMaximum = 20;

type KeyName = (typeof keyVariables)[keyof typeof keyVariables];

/** Keys that everybody knows: all zero, and the two printed in EXM's public documentation. */
const publicKeys = new Set([
  '0'.repeat(64),
  'e040c938fc9e4ebc3e93330b0f7837f284207b8180db64cb5b6abeb1afbf6f5b',
  '9d80b4e56aee694058567bd89c936fb88f2db1272a4e88f419b6501919e0bb25',
]);

/** Three new random keys as environment variables. */
export function generateKeys(): Record<KeyName, string> {
  return {
    EXM_INTERNAL_API_KEY: newKey(),
    EXM_CRYPTOGRAPHIC_KEY: newKey(),
    EXM_AUTHENTICATION_KEY: newKey(),
  };
}

/**
 * New tracking keys as environment variables, with the present ones as the first of the earlier ones. Links of mail that
 * was sent work as before; the key between our own servers stays.
 *
 * @throws InputError where the present keys are not usable, or the earlier ones are too many: the last would have to go.
 */
export function rotateKeys(env: Environment): Record<KeyName | typeof earlierKeysVariable, string> {
  const { internalApi, ...present } = readKeys(env);
  const earlier = [present, ...present.earlier];
  if (earlier.length > earlierMaximum) throw tooManyEarlier(earlier.length);
  return {
    EXM_INTERNAL_API_KEY: hex(internalApi),
    EXM_CRYPTOGRAPHIC_KEY: newKey(),
    EXM_AUTHENTICATION_KEY: newKey(),
    [earlierKeysVariable]: earlier
      .map(({ cryptographic, authentication }) => `${hex(cryptographic)}:${hex(authentication)}`)
      .join(','),
  };
}

/** Tells pairs of keys apart where the keys themselves must not be: of random keys nothing can be learnt from it. */
export function fingerprint({ cryptographic, authentication }: TrackingKeys): string {
  return createHash('sha256')
    .update('exm keys\n')
    .update(cryptographic)
    .update(authentication)
    .digest('hex')
    .slice(0, 16);
}

function newKey(): string {
  return hex(randomBytes(32));
}

function hex(key: Buffer): string {
  return key.toString('hex').toUpperCase();
}

/**
 * Reads and checks the keys. Every role calls this at start.
 * @throws InputError that names the variable and never shows its value.
 */
export function readKeys(env: Environment): Keys {
  const keys = {
    internalApi: readKey(env, keyVariables.internalApi),
    cryptographic: readKey(env, keyVariables.cryptographic),
    authentication: readKey(env, keyVariables.authentication),
  };
  const different = new Set(Object.values(keys).map(hex));
  if (different.size < 3) {
    throw new InputError('KEY_REUSED', 'Two of the three keys are the same.', {
      field: Object.values(keyVariables).join(', '),
      hint: 'Generate three different ones with "exm keys generate".',
    });
  }
  return { ...keys, earlier: readEarlier(env[earlierKeysVariable], keys) };
}

function readEarlier(value: string | undefined, present: TrackingKeys): TrackingKeys[] {
  if (value === undefined || value.trim() === '') return [];
  const pairs = value.split(',');
  if (pairs.length > earlierMaximum) throw tooManyEarlier(pairs.length);
  return pairs.map((pair, index) => {
    const [cryptographic, authentication, ...rest] = pair.trim().split(':');
    const place = `${earlierKeysVariable} (pair ${index + 1})`;
    if (authentication === undefined || rest.length > 0) {
      throw new InputError('KEY_MALFORMED', `${place} is not two keys with a colon between.`, {
        field: earlierKeysVariable,
        hint: 'It is written CRYPTOGRAPHIC:AUTHENTICATION, more pairs after commas; "exm keys rotate" makes it.',
      });
    }
    const keys = {
      cryptographic: checkedKey(cryptographic, place),
      authentication: checkedKey(authentication, place),
    };
    if (
      keys.authentication.equals(present.authentication) ||
      keys.cryptographic.equals(present.cryptographic)
    ) {
      throw new InputError('KEY_REUSED', `${place} has one of the present keys.`, {
        field: earlierKeysVariable,
        hint: 'Earlier keys are those that are used no more. "exm keys rotate" makes new ones and puts the present ones there.',
      });
    }
    return keys;
  });
}

function tooManyEarlier(count: number): InputError {
  return new InputError('KEYS_TOO_MANY', `${earlierKeysVariable} would have ${count} pairs.`, {
    field: earlierKeysVariable,
    value: count,
    hint: `It may have ${earlierMaximum}. Take away the last, and with it the links of the oldest mail.`,
  });
}

function readKey(env: Environment, variable: string): Buffer {
  const value = env[variable];
  if (value === undefined || value === '') {
    throw new InputError('KEY_MISSING', `The key ${variable} is not set.`, {
      field: variable,
      hint: 'Generate keys with "exm keys generate" and give every process the same ones.',
    });
  }
  return checkedKey(value, variable);
}

function checkedKey(value: string | undefined = '', variable: string): Buffer {
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
