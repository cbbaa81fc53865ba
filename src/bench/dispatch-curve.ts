import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchReceiver } from './stage.ts';

/** How many messages had been accepted at a moment. */
export interface CurvePoint {
  /** As Date.now() says it. */
  readonly at: number;
  readonly messages: number;
}

/** When so many messages had been accepted, between the points by proportion; undefined where they never were. */
export function reachedAt(curve: readonly CurvePoint[], messages: number): number | undefined {
  const index = curve.findIndex((point) => point.messages >= messages);
  const [before, after] = [curve[index - 1], curve[index]];
  if (after === undefined) return undefined;
  if (before === undefined || after.messages === before.messages) return after.at;
  const share = (messages - before.messages) / (after.messages - before.messages);
  return before.at + share * (after.at - before.at);
}

/**
 * Messages a second between two shares of all messages: what a dispatch does while all its dispatchers are at work, its
 * beginning and its end left out. NaN where too few points say so.
 */
export function rateBetween(curve: readonly CurvePoint[], from: number, to: number): number {
  const total = curve.at(-1)?.messages ?? 0;
  const [first, last] = [reachedAt(curve, from * total), reachedAt(curve, to * total)];
  if (first === undefined || last === undefined || last <= first) return Number.NaN;
  return ((to - from) * total) / ((last - first) / 1_000);
}

/** A question costs a receiver next to nothing. Milliseconds. */
const lookIntervalMs = 50;

/** Watches what a receiver accepts while something is done. */
export async function watchReceiver<T>(
  receiver: Pick<BenchReceiver, 'stats'>,
  doing: () => Promise<T>,
): Promise<{ readonly done: T; readonly curve: readonly CurvePoint[] }> {
  const curve: CurvePoint[] = [];
  const look = async () => {
    const { messages } = await receiver.stats();
    curve.push({ at: Date.now(), messages });
  };
  const over = new AbortController();
  await look();
  const watching = (async () => {
    while (!over.signal.aborted) {
      await sleep(lookIntervalMs);
      await look();
    }
  })();
  try {
    const done = await doing();
    over.abort();
    await watching;
    return { done, curve };
  } finally {
    over.abort();
    // Nobody waits for it where `doing` failed.
    watching.catch(() => undefined);
  }
}
