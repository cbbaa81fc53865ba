import { CommanderError } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { faults } from './faults/index.ts';
import { readOptions } from './options.ts';
import { describeRound, planRound } from './plan-round.ts';

const rounds = (seed: number, first = 1) =>
  Array.from({ length: 30 }, (_, n) => describeRound(planRound(seed, first + n, faults)));

describe('the decisions of a run', () => {
  test('are the same for the same seed, from whichever round on', () => {
    expect(rounds(7)).toEqual(rounds(7));
    expect(rounds(7, 11).slice(0, 20)).toEqual(rounds(7).slice(10));
  });

  test('differ from seed to seed and from round to round', () => {
    expect(rounds(7)).not.toEqual(rounds(8));
    expect(new Set(rounds(7)).size).toBe(30);
  });

  test('come to every fault and every size of campaign', () => {
    const planned = Array.from({ length: 500 }, (_, n) => planRound(1, n + 1, faults));
    const names = new Set(planned.flatMap((round) => round.faults.map(({ name }) => name)));
    expect([...names].sort()).toEqual(faults.map(({ name }) => name).sort());
    expect(new Set(planned.flatMap(({ campaigns }) => campaigns.map(({ size }) => size)))).toContain(0);
    expect(planned.some(({ campaigns }) => campaigns.length === 2)).toBe(true);
    expect(new Set(planned.flatMap(({ campaigns }) => campaigns.map((one) => one.atMostOnce))).size).toBe(2);
    expect(planned.some((round) => round.faults.length === 0)).toBe(true);
  });
});

describe('the arguments of a run', () => {
  test('name minutes, seed and faults', () => {
    const args = ['--minutes', '0.5', '--seed', '42', '--only', 'kill-primary, mail-away'];
    const { minutes, seed, faults: only } = readOptions(args);
    expect({ minutes, seed, only: only.map(({ name }) => name) }).toEqual({
      minutes: 0.5,
      seed: 42,
      only: ['kill-primary', 'mail-away'],
    });
  });

  test.each([
    [['--minutes', '0'], 'Give a number above 0.'],
    [['--seed', '-1'], 'Give a whole number from 0 to'],
    [['--only', 'earthquake'], 'There is no fault "earthquake"'],
    [['--nonsense'], "unknown option '--nonsense'"],
    [['nonsense'], 'too many arguments'],
  ])('are refused with the reason where they are wrong: %j', (args, reason) => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      expect(() => readOptions(args)).toThrow(CommanderError);
      expect(written.mock.calls.join('')).toContain(reason);
    } finally {
      written.mockRestore();
    }
  });
});
