import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  backlogLength,
  batchSizeFor,
  maximumBatchSize,
  type PositionRange,
  rangeLength,
  takeRange,
} from '../../src/domain/batch-plan.ts';

describe('the size of batches', () => {
  test.each([
    [1, 100],
    [1_000, 100],
    [50_000, 100],
    [100_000, 200],
    [1_000_000, 2_000],
    [10_000_000, 5_000],
  ])('%i recipients are cut into batches of %i', (total, size) => {
    expect(batchSizeFor(total)).toBe(size);
  });

  test('a DispatchBatchSize below the default is honoured for small campaigns', () => {
    expect(batchSizeFor(1_000, 10)).toBe(10);
  });
});

/** Disjoint ranges in any order. */
const backlogs = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 50 })), { maxLength: 8 })
  .map((parts) => {
    let next = 1;
    return parts.map(([length, gap]): PositionRange => {
      const first = next + gap;
      next = first + length;
      return { first, last: next - 1 };
    });
  })
  .chain((ranges) => fc.shuffledSubarray(ranges, { minLength: ranges.length }));

function positions(ranges: readonly PositionRange[]): number[] {
  return ranges.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}

describe('taking batches from the backlog', () => {
  test('gives out every position exactly once, whatever the sizes, the slots and what is put back', () => {
    fc.assert(
      fc.property(
        backlogs,
        fc.integer({ min: 1, max: maximumBatchSize }),
        fc.array(
          fc.record({
            slots: fc.integer({ min: 0, max: 40 }),
            done: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
          { minLength: 1 },
        ),
        (backlog, batchSize, turns) => {
          const sent: number[] = [];
          let rest: readonly PositionRange[] = backlog;
          for (let turn = 0; rest.length > 0; turn++) {
            const { slots, done } = turns[turn % turns.length] ?? { slots: 1, done: 1 };
            const taken = takeRange({ backlog: rest, batchSize, slots });
            if (taken === undefined) break;
            const { range } = taken;
            expect(rangeLength(range)).toBeGreaterThan(0);
            expect(rangeLength(range)).toBeLessThanOrEqual(batchSize);
            // A batch that is stopped early gives the rest back, as after a pause. Progress is made once in a while.
            const stopAfter = turn % 3 === 0 ? rangeLength(range) : Math.floor(rangeLength(range) * done);
            sent.push(...positions([range]).slice(0, stopAfter));
            const returned = { first: range.first + stopAfter, last: range.last };
            rest = rangeLength(returned) > 0 ? [returned, ...taken.backlog] : taken.backlog;
          }
          expect(sent.sort((a, b) => a - b)).toEqual(positions(backlog).sort((a, b) => a - b));
        },
      ),
    );
  });

  test('batches become smaller towards the end, so that slow and fast servers finish together', () => {
    let backlog: readonly PositionRange[] = [{ first: 1, last: 1_000 }];
    const sizes: number[] = [];
    for (;;) {
      const taken = takeRange({ backlog, batchSize: 100, slots: 2 });
      if (taken === undefined) break;
      sizes.push(rangeLength(taken.range));
      backlog = taken.backlog;
    }
    expect(sizes.slice(0, 6)).toEqual([100, 100, 100, 100, 100, 100]);
    expect(sizes.at(-1)).toBeLessThanOrEqual(10);
    expect([...sizes].sort((a, b) => b - a)).toEqual(sizes);
    expect(backlogLength(backlog)).toBe(0);
  });
});
