import { type Random, randomFor } from '../support/random.ts';
import type { Fault, PlannedFault } from './faults/fault.ts';

/** Sizes of the lists that campaigns go to. */
export const audienceSizes: readonly number[] = [0, 1, 3, 40, 300, 1_000, 2_500, 4_000];
/** Large ones are where most can go wrong. */
const sizeWeights = [1, 1, 1, 1, 2, 3, 4, 4];
/** From so many recipients on a campaign takes long enough for a fault to wait for a part of it. */
const manyRecipients = 300;

/** Without a Sleep each message is announced to the mail server with the one before it: where most can go wrong there. */
const sleepsMs = [0, 0, 0, 0, 1, 2, 5, 10, 20, 50];

/** A fault, and when: when that share of the messages has been received, or so long after the start. */
export interface TimedFault extends PlannedFault {
  readonly at: { readonly share: number } | { readonly ms: number };
}

export interface PlannedCampaign {
  readonly size: number;
  readonly atMostOnce: boolean;
}

/** One campaign, or two at once, and what is done meanwhile: all decided before it begins. */
export interface PlannedRound {
  readonly number: number;
  readonly campaigns: readonly PlannedCampaign[];
  readonly sleepMs: number;
  readonly faults: readonly TimedFault[];
}

/** The n-th round of a seed. */
export function planRound(seed: number, number: number, faults: readonly Fault[]): PlannedRound {
  const random = randomFor(seed, number);
  const campaigns = Array.from({ length: random.chance(0.25) ? 2 : 1 }, () => ({
    size: pickWeighted(random, audienceSizes, (_, index) => sizeWeights[index] ?? 1),
    atMostOnce: random.chance(0.25),
  }));
  const sleepMs = random.pick(sleepsMs);
  const total = recipientsOf(campaigns);
  const count = random.chance(0.05) ? 0 : random.whole(1, 4);
  const planned = Array.from({ length: count }, (): TimedFault => {
    const fault = pickWeighted(random, faults, ({ weight = 1 }) => weight);
    const atShare = total >= manyRecipients && random.chance(0.7);
    const at = atShare ? { share: random.next() * 0.95 } : { ms: random.whole(0, 3_000) };
    return { name: fault.name, ...fault.plan(random), at };
  });
  return { number, campaigns, sleepMs, faults: planned };
}

function pickWeighted<T>(
  random: Random,
  list: readonly T[],
  weightOf: (entry: T, index: number) => number,
): T {
  const total = list.reduce((sum, entry, index) => sum + weightOf(entry, index), 0);
  let left = random.next() * total;
  for (const [index, entry] of list.entries()) {
    left -= weightOf(entry, index);
    if (left < 0) return entry;
  }
  return random.pick(list);
}

export function recipientsOf(campaigns: readonly PlannedCampaign[]): number {
  return campaigns.reduce((sum, { size }) => sum + size, 0);
}

/** In words, for people; the same seed gives the same. */
export function describeRound({ campaigns, sleepMs, faults }: PlannedRound): string {
  const sizes = campaigns.map(({ size, atMostOnce }) => `${size}${atMostOnce ? ' at most once' : ''}`);
  const done = faults.map(({ name, detail, at }) => {
    const when =
      'share' in at ? `at ${Math.round(at.share * 100)} %` : `after ${(at.ms / 1_000).toFixed(1)} s`;
    return `${name} ${when}${detail === '' ? '' : ` (${detail})`}`;
  });
  return `to ${sizes.join(' and ')}, Sleep ${sleepMs} ms: ${done.join('; ') || 'no fault'}`;
}
