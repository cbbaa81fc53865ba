import { median } from './median.ts';

/** Does two things by turns, as often as said, and keeps what each took: what else the machine does meets both alike. */
export async function byTurns(
  times: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<{ readonly ours: number; readonly theirs: number }> {
  const all: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] };
  for (let turn = 0; turn < times; turn++) {
    all.ours.push(await ours());
    all.theirs.push(await theirs());
  }
  return { ours: median(all.ours), theirs: median(all.theirs) };
}

/** How long something takes, seconds. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1_000;
}
