import { expect, test } from 'vitest';
import { coreShares, coreTimes } from '../../src/bench/cores.ts';

test('shares are of the time of all cores together', () => {
  const [before, after] = [
    { busyMs: 1_000, idleMs: 5_000 },
    { busyMs: 2_500, idleMs: 5_500 },
  ];
  expect(coreShares(before, after, 500)).toEqual({ busy: 0.75, own: 0.25 });
  expect(coreShares(before, before, 0)).toEqual({ busy: 0, own: 0 });
});

test('the cores of this machine have been at work', () => {
  expect(coreTimes().busyMs).toBeGreaterThan(0);
  expect(coreTimes().idleMs).toBeGreaterThan(0);
});
