import { expect, test } from 'vitest';
import { nextAttemptInMs } from '../../src/domain/deferral-policy.ts';
import fc from '../support/fast-check.ts';

const policy = { firstDelayMs: 60_000, maximumAgeMs: 72 * 3_600_000 };

test('the delay doubles from the first one up to four hours', () => {
  const delays = [1, 2, 3, 9, 30].map((attempts) => nextAttemptInMs(attempts, 0, policy));
  expect(delays).toEqual([60_000, 120_000, 240_000, 4 * 3_600_000, 4 * 3_600_000]);
});

test('nobody is tried for longer than the maximum age, and nobody for ever', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 3_600_000 }),
      fc.integer({ min: 1_000, max: 10 ** 9 }),
      (firstDelayMs, maximumAgeMs) => {
        let ageMs = 0;
        let attempts = 1;
        for (;;) {
          const delayMs = nextAttemptInMs(attempts, ageMs, { firstDelayMs, maximumAgeMs });
          if (delayMs === undefined) return;
          ageMs += delayMs;
          attempts++;
          expect(ageMs).toBeLessThanOrEqual(maximumAgeMs);
        }
      },
    ),
  );
});
