import { expect, test } from 'vitest';
import { LastingTrouble } from '../src/lasting-trouble.ts';

test('trouble that lasts is told when it begins, ever more rarely, and when it is over', () => {
  const told: [string, unknown][] = [];
  const write = (facts: unknown, words?: string) => void told.push([words ?? '', facts]);
  const trouble = new LastingTrouble({ warn: write, info: write }, 'it is full', 'there is room');
  trouble.ended(0);
  for (let second = 0; second < 7_200; second += 2) trouble.met({ second }, second * 1_000);
  trouble.ended(7_200_000);
  trouble.ended(7_201_000);
  trouble.met({ second: 7_300 }, 7_300_000);
  expect(told).toEqual([
    ...[0, 60, 180, 420, 900, 1_860, 3_780].map((second) => ['it is full', { second }]),
    ['there is room', { seconds: 7_200 }],
    ['it is full', { second: 7_300 }],
  ]);
});
