import type { BenchRow } from './measurement.ts';

/**
 * So much worse than its goal a figure has to be for `--check` to fail, where its goal says nothing else: half of what is at
 * least aimed at, twice of what is at most. Noise and a busy machine stay below it.
 */
export const farFactor = 2;

export type GoalState = 'met' | 'missed' | 'far';

/** How a row stands to its goal; undefined where it has none, or no figure. */
export function goalState({ value, ratio, goal }: BenchRow): GoalState | undefined {
  const figure = goal?.of === 'ratio' ? ratio : value;
  if (goal === undefined || figure === undefined) return undefined;
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY, farFrom } = goal;
  if (figure < atLeast) return figure < (farFrom ?? atLeast / farFactor) ? 'far' : 'missed';
  if (figure > atMost) return figure > (farFrom ?? atMost * farFactor) ? 'far' : 'missed';
  return 'met';
}
