import { availableParallelism, cpus, loadavg, release, type } from 'node:os';
import type { OpenStage } from './open-stage.ts';

/** Where the figures come from. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly system: string;
  readonly node: string;
  /** Undefined where no measurement has needed it. */
  readonly postgres: string | undefined;
  readonly temporal: string | undefined;
  /** Processes that wanted to run, on average over the minute before the start. */
  readonly loadBefore: number;
  /** What makes the figures doubtful. */
  readonly warning: string | undefined;
}

/** More of the cores than this at work before the start: then they are not the bench's. */
const busyShare = 0.3;

/** Looks at the machine before the bench itself keeps it busy. */
export function machineBeforeStart(load = loadavg()[0] ?? 0, cores = availableParallelism()) {
  const warning =
    load > busyShare * cores
      ? `The machine is busy: a load of ${load.toFixed(1)} on ${cores} cores before the start. The figures, ratios too, are noise then.`
      : undefined;
  return {
    warning,
    /** With the versions of what was started. */
    async with(stage: Pick<OpenStage, 'versions'>): Promise<Machine> {
      return {
        cores,
        processor: cpus()[0]?.model.trim() ?? 'unknown',
        system: `${type()} ${release()}`,
        node: process.version,
        ...(await stage.versions()),
        loadBefore: load,
        warning,
      };
    },
  };
}
