import { expect, test } from 'vitest';
import { rateBetween, reachedAt, watchReceiver } from '../../src/bench/dispatch-curve.ts';
import type { BenchReceiver, ReceiverStats } from '../../src/bench/stage.ts';
import { waitFor } from '../support/wait-for.ts';

/** 1,000 messages: one second for the first 100, one for the next 800, two for the last 100. */
const curve = [
  { at: 5_000, messages: 0 },
  { at: 6_000, messages: 100 },
  { at: 7_000, messages: 900 },
  { at: 9_000, messages: 1_000 },
];

test.each([
  [0, 5_000],
  [50, 5_500],
  [100, 6_000],
  [500, 6_500],
  [1_000, 9_000],
  [1_001, undefined],
])('%d messages had been accepted at %s', (messages, at) => {
  expect(reachedAt(curve, messages)).toBe(at);
});

test('the rate in the middle leaves out the beginning and the end', () => {
  expect(rateBetween(curve, 0.1, 0.9)).toBe(800);
  expect(rateBetween(curve, 0, 1)).toBe(250);
});

test.each([[[]], [[{ at: 1, messages: 10 }]]])('there is no rate where %j is all that was seen', (seen) => {
  expect(rateBetween(seen, 0.1, 0.9)).toBeNaN();
});

test('a receiver is watched from before something is done until after it', async () => {
  let messages = 0;
  let asked = 0;
  const receiver: Pick<BenchReceiver, 'stats'> = {
    stats: async () => {
      asked++;
      return { messages } as ReceiverStats;
    },
  };
  const { done, curve: seen } = await watchReceiver(receiver, async () => {
    messages = 5;
    const before = asked;
    await waitFor(() => asked > before + 1);
    messages = 7;
    return 'done';
  });
  expect(done).toBe('done');
  expect(seen[0]?.messages).toBe(0);
  expect(seen.map((point) => point.messages)).toContain(5);
  expect(seen.at(-1)?.messages).toBe(7);
});

test('what fails while a receiver is watched fails', async () => {
  const receiver = { stats: async () => ({ messages: 0 }) as ReceiverStats };
  const failing = watchReceiver(receiver, async () => {
    throw new Error('it is no longer there');
  });
  await expect(failing).rejects.toThrow('it is no longer there');
});
