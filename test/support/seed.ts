import { randomInt } from 'node:crypto';

/**
 * What all that tests draw at random follows from: the same in every run, so that a failure speaks of the change that was
 * made. `TEST_SEED=new npm test` tries what was never tried; a failure names its seed, and `TEST_SEED=<n>` tries that again.
 */
export const testSeed = wanted(process.env['TEST_SEED'] ?? '1');

function wanted(text: string): number {
  if (text === 'new') return randomInt(2 ** 31);
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 31) return Number(text);
  throw new Error(`TEST_SEED=${text} is no seed: give a whole number from 0 to 2147483647, or "new"`);
}
