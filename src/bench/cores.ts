import { cpus } from 'node:os';

/** What all cores have done so far, milliseconds. */
export interface CoreTimes {
  readonly busyMs: number;
  readonly idleMs: number;
}

export function coreTimes(): CoreTimes {
  const times = cpus().map((cpu) => cpu.times);
  return {
    busyMs: times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0),
    idleMs: times.reduce((sum, { idle }) => sum + idle, 0),
  };
}

/** The share of their time in which the cores were busy between two moments, and that in which they were for us. */
export function coreShares(
  before: CoreTimes,
  after: CoreTimes,
  ownMs: number,
): { readonly busy: number; readonly own: number } {
  const busyMs = after.busyMs - before.busyMs;
  const allMs = Math.max(1, busyMs + after.idleMs - before.idleMs);
  return { busy: busyMs / allMs, own: Math.min(1, ownMs / allMs) };
}
