import { describe, expect, it } from 'vitest';
import { type BatchProgress, NextBatch } from '../../src/dispatch/next-batch.ts';
import { waitFor } from '../support/wait-for.ts';

const threads = 2;
const slotsOf = (next: NextBatch) => next.slots(2);
/** A batch that has done so many in the seconds that it has had. */
const progress = (done: number, left: number, seconds = 1): BatchProgress => ({
  done,
  left,
  begunAt: performance.now() - seconds * 1_000,
});

describe('a dispatcher', () => {
  it('asks for one batch, and for no other while that one is far from its end', () => {
    const next = new NextBatch(threads);
    expect(slotsOf(next)).toBe(1);
    const batch = next.tookBatch();
    batch.follow(progress(1_000, 9_000));
    expect(slotsOf(next)).toBe(1);
    batch.ended();
    expect(slotsOf(next)).toBe(1);
  });

  it('asks for the next batch shortly before the end of the one it works on, by the pace of this one', async () => {
    const next = new NextBatch(threads);
    let changes = 0;
    next.onChange(() => changes++);
    const far = { done: 1_000, left: 9_000, begunAt: performance.now() - 1_000 };
    const batch = next.tookBatch();
    batch.follow(far);
    far.left = 150;
    await waitFor(() => slotsOf(next) === 2);
    expect(changes).toBe(1);
    const second = next.tookBatch();
    second.follow(progress(0, 9_000, 0));
    expect(slotsOf(next)).toBe(2);
    batch.ended();
    expect(slotsOf(next)).toBe(1);
    second.ended();
    expect(slotsOf(next)).toBe(1);
  });

  it('knows by the last batch how long a small one will take', () => {
    const next = new NextBatch(threads);
    const batch = next.tookBatch();
    batch.follow(progress(1_000, 9_000));
    batch.ended();
    const small = next.tookBatch();
    small.follow(progress(0, 100, 0));
    expect(slotsOf(next)).toBe(2);
    small.ended();
  });

  it('lets another batch have its turn after three seconds, also where the one it has cannot begin', async () => {
    const next = new NextBatch(threads);
    const slow = next.tookBatch();
    slow.follow(progress(10, 5_000));
    const waiting = new NextBatch(threads);
    const held = waiting.tookBatch();
    expect([slotsOf(next), slotsOf(waiting)]).toEqual([1, 1]);
    await waitFor(() => slotsOf(next) === 2 && slotsOf(waiting) === 2);
    slow.ended();
    held.ended();
    expect([slotsOf(next), slotsOf(waiting)]).toEqual([1, 1]);
  });

  it('lets a batch come beside a test of a campaign', () => {
    const next = new NextBatch(threads);
    const test = next.tookTest();
    expect(slotsOf(next)).toBe(2);
    test.ended();
    expect(slotsOf(next)).toBe(1);
  });
});
