import { expect, test } from 'vitest';
import { median } from '../../src/bench/median.ts';

test.each([
  [[5], 5],
  [[9, 1, 5], 5],
  [[4, 1, 2, 9], 3],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('there is no median of nothing', () => expect(median([])).toBeNaN());
