import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyVariables } from '../../src/config/keys.ts';
import { roles } from '../../workers/runtime.ts';
import { createInstallation, type Installation } from '../support/installation.ts';

/** All zero, and the two keys printed in EXM's public documentation. */
const publicKeys = [
  '0'.repeat(64),
  'E040C938FC9E4EBC3E93330B0F7837F284207B8180DB64CB5B6ABEB1AFBF6F5B',
  '9D80B4E56AEE694058567BD89C936FB88F2DB1272A4E88F419B6501919E0BB25',
];

describe('a key that everybody knows', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await createInstallation();
  });
  afterAll(async () => await installation.dispose());

  const variables = Object.values(keyVariables);

  test.each(roles)('is refused at the start of %s', async (role) => {
    await Promise.all(
      publicKeys.map(async (key, index) => {
        const variable = variables[index] ?? '';
        const result = await installation.exm(['worker', role], { env: { [variable]: key } });
        expect(result.code).toBe(2);
        expect(result.stderr).toContain('KEY_PUBLIC');
        expect(result.stderr).toContain(variable);
        expect(result.stderr).not.toContain(key);
      }),
    );
  });

  test('is refused in lower case too', async () => {
    const key = publicKeys[1]?.toLowerCase() ?? '';
    const result = await installation.exm(['worker', 'primary'], { env: { EXM_CRYPTOGRAPHIC_KEY: key } });
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('KEY_PUBLIC');
  });
});
