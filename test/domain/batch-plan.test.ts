import { describe, expect, test } from 'vitest';
import {
  type BacklogRange,
  maximumBatchSize,
  nextBatchSize,
  type PositionRange,
  rangeLength,
  rangeSizeFor,
  restOf,
  type TakeRange,
  takeRange,
} from '../../src/domain/batch-plan.ts';
import fc from '../support/fast-check.ts';

/** The batches that a campaign is cut into, one after the other. */
function allBatches(queued: number, given: Omit<TakeRange, 'backlog' | 'queued'>): number[] {
  let backlog: readonly PositionRange[] = [{ first: 1, last: queued }];
  const sizes: number[] = [];
  for (;;) {
    const taken = takeRange({ ...given, backlog, queued });
    if (taken === undefined) return sizes;
    sizes.push(rangeLength(taken.range));
    backlog = taken.backlog;
  }
}

describe('the size of batches', () => {
  const left = (length: number) => [{ first: 1, last: length }];

  test('is at least the DispatchBatchSize, and ten times that at the most, until it is known how fast they go', () => {
    expect(nextBatchSize({ backlog: left(50), hosts: 1 })).toBe(100);
    expect(nextBatchSize({ backlog: left(1_000_000), hosts: 2 })).toBe(1_000);
    expect(nextBatchSize({ backlog: left(1_000), hosts: 8, dispatchBatchSize: 10 })).toBe(32);
    expect(nextBatchSize({ backlog: left(50_000), hosts: 2, dispatchBatchSize: 10 })).toBe(100);
  });

  test('is at the beginning what is expected to be sent within a second, and a quarter of one at the least', () => {
    expect(nextBatchSize({ backlog: left(1_000_000), hosts: 2, expectedPace: 4_000 })).toBe(4_000);
    expect(nextBatchSize({ backlog: left(1_000_000), hosts: 2, expectedPace: 3 })).toBe(1_000);
    expect(nextBatchSize({ backlog: left(16_000), hosts: 2, expectedPace: 4_000 })).toBe(2_000);
    expect(nextBatchSize({ backlog: left(1_000), hosts: 2, expectedPace: 4_000 })).toBe(1_000);
    expect(nextBatchSize({ backlog: left(1_000), hosts: 2, expectedPace: 40 })).toBe(125);
    expect(
      nextBatchSize({ backlog: left(1_000_000), hosts: 2, expectedPace: 4_000, paces: [100, 100] }),
    ).toBe(500);
  });

  test('is half of a fair share of what is left, and of the share of the slowest host where they are unlike', () => {
    expect(nextBatchSize({ backlog: left(8_000), hosts: 2, paces: [400, 400] })).toBe(2_000);
    expect(nextBatchSize({ backlog: left(8_000), hosts: 2, paces: [400, 1_200] })).toBe(1_000);
    expect(nextBatchSize({ backlog: left(8_000), hosts: 2, paces: [400] })).toBe(1_000);
  });

  test('is what the slowest host sends within five seconds at the most, and within half a second at the least', () => {
    expect(nextBatchSize({ backlog: left(20_000), hosts: 2, paces: [20, 40] })).toBe(100);
    expect(nextBatchSize({ backlog: left(600), hosts: 2, paces: [500] })).toBe(250);
    expect(nextBatchSize({ backlog: left(30), hosts: 4, paces: [0.1] })).toBe(10);
  });

  test('makes two alike of what would be a batch and a crumb', () => {
    expect(allBatches(300, { hosts: 2, paces: [500, 500] })).toEqual([150, 150]);
  });

  test('keeps the histories of a slow and long campaign short: five hundred batches, and the end', () => {
    const sizes = allBatches(1_000_000, { hosts: 2, paces: [5, 5] });
    expect(sizes[0]).toBe(2_000);
    expect(sizes.length).toBeLessThan(600);
  });

  test.each([2, 8, 40])('cuts a million into fewer than 550 batches for %i fast dispatchers', (hosts) => {
    const paces = Array.from({ length: hosts }, () => 4_000);
    expect(allBatches(1_000_000, { hosts, paces }).length).toBeLessThan(550);
  });

  test.each([
    { paces: [100, 2_000], queued: 1_000_000 },
    { paces: [50, 5_000], queued: 1_000_000 },
    { paces: [5, 2_000], queued: 1_000_000 },
    { paces: [5, 1_000, 1_000, 1_000], queued: 1_000_000 },
    { paces: [100, 2_000], queued: 60_000 },
  ])('keeps $queued for hosts of $paces a second at some five hundred batches, too', ({ paces, queued }) => {
    expect(allBatches(queued, { hosts: paces.length, paces }).length).toBeLessThan(700);
  });

  test('is what all hosts send in a quarter of a second at the least, though one is slow by far, until near the end', () => {
    const paces = [20, 4_000];
    expect(nextBatchSize({ backlog: left(60_000), hosts: 2, queued: 60_000, paces })).toBe(1_005);
    expect(nextBatchSize({ backlog: left(800), hosts: 2, queued: 60_000, paces })).toBe(100);
  });

  test('is no larger than at the beginning while a host that may be slow has not told how fast it goes', () => {
    const given = { backlog: left(60_000), hosts: 2, queued: 60_000, paces: [4_000] };
    expect(nextBatchSize(given)).toBe(1_000);
    expect(nextBatchSize({ ...given, expectedPace: 50 })).toBe(250);
    expect(nextBatchSize({ ...given, expectedPace: 3_000 })).toBe(7_500);
  });

  test('never is larger than the largest batch', () => {
    expect(nextBatchSize({ backlog: left(10_000_000), hosts: 1, paces: [9_000] })).toBe(maximumBatchSize);
  });
});

describe('a range of a later round', () => {
  test('is not cut by its positions, most of which have their outcome', () => {
    const sparse = { first: 1, last: 1_000_000, due: 100 };
    expect(takeRange({ backlog: [sparse], hosts: 2, paces: [200] })).toEqual({ range: sparse, backlog: [] });
  });

  test('is cut into parts that hold about as many who are due as a batch may', () => {
    const backlog = [{ first: 1, last: 10_000, due: 1_000 }];
    expect(takeRange({ backlog, hosts: 2, paces: [20] })).toEqual({
      range: { first: 1, last: 1_000, due: 100 },
      backlog: [{ first: 1_001, last: 10_000, due: 900 }],
    });
  });

  test('keeps how many are due in what a stopped batch leaves of it', () => {
    expect(restOf({ first: 1, last: 1_000, due: 100 }, { first: 200, last: 1_000 })).toEqual({
      first: 200,
      last: 1_000,
      due: 100,
    });
    expect(restOf({ first: 1, last: 1_000, due: 100 }, { first: 991, last: 1_000 })).toMatchObject({
      due: 10,
    });
    expect(restOf({ first: 1, last: 9 }, { first: 3, last: 9 })).toEqual({ first: 3, last: 9 });
  });
});

test.each([
  [1, 100],
  [50_000, 100],
  [100_000, 200],
  [10_000_000, 10_000],
])('a later round puts %i recipients that are due into ranges of %i', (due, size) => {
  expect(rangeSizeFor(due)).toBe(size);
});

/** Disjoint ranges in any order; in some of them only a part of the recipients is due. */
const backlogs = fc
  .array(
    fc.tuple(
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 0, max: 50 }),
      fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => {
    let next = 1;
    return parts.map(([length, gap, due]): BacklogRange => {
      const first = next + gap;
      next = first + length;
      return { first, last: next - 1, ...(due === undefined ? {} : { due: Math.min(due, length) }) };
    });
  })
  .chain((ranges) => fc.shuffledSubarray(ranges, { minLength: ranges.length }));

function positions(ranges: readonly PositionRange[]): number[] {
  return ranges.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}

describe('taking batches from the backlog', () => {
  test('gives out every position exactly once, whatever the sizes, the hosts, their pace and what is put back', () => {
    fc.assert(
      fc.property(
        backlogs,
        fc.integer({ min: 1, max: maximumBatchSize }),
        fc.array(
          fc.record({
            hosts: fc.integer({ min: 0, max: 40 }),
            paces: fc.array(fc.double({ min: 0, max: 10_000, noNaN: true }), { maxLength: 40 }),
            expectedPace: fc.option(fc.double({ min: 0, max: 10_000, noNaN: true }), { nil: undefined }),
            done: fc.double({ min: 0, max: 1, noNaN: true }),
          }),
          { minLength: 1 },
        ),
        (backlog, dispatchBatchSize, turns) => {
          const sent: number[] = [];
          let rest: readonly BacklogRange[] = backlog;
          for (let turn = 0; rest.length > 0; turn++) {
            const { hosts, paces, expectedPace, done } = turns[turn % turns.length] ?? {
              hosts: 1,
              paces: [],
              expectedPace: undefined,
              done: 1,
            };
            const taken = takeRange({ backlog: rest, dispatchBatchSize, hosts, paces, expectedPace });
            if (taken === undefined) break;
            const { range } = taken;
            expect(rangeLength(range)).toBeGreaterThan(0);
            expect(rangeLength(range)).toBeLessThanOrEqual(maximumBatchSize);
            // A batch that is stopped early gives the rest back, as after a pause. Progress is made once in a while.
            const stopAfter = turn % 3 === 0 ? rangeLength(range) : Math.floor(rangeLength(range) * done);
            sent.push(...positions([range]).slice(0, stopAfter));
            const returned = { first: range.first + stopAfter, last: range.last };
            rest = rangeLength(returned) > 0 ? [restOf(range, returned), ...taken.backlog] : taken.backlog;
          }
          expect(sent.sort((a, b) => a - b)).toEqual(positions(backlog).sort((a, b) => a - b));
        },
      ),
    );
  });

  test('batches become smaller towards the end, so that slow and fast servers finish together', () => {
    const sizes = allBatches(10_000, { hosts: 2, paces: [200, 200] });
    expect(sizes[0]).toBe(1_000);
    expect(sizes.at(-1)).toBeLessThanOrEqual(100);
    expect([...sizes].sort((a, b) => b - a)).toEqual(sizes);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(10_000);
  });
});
