import type { BenchRow, Measurement } from './measurement.ts';
import { type ProcessMemory, type VolumeRun, volumeRuns } from './volume-runs.ts';

const megabyte = 1e6;
const dispatcherMaximum = 250;
const primaryMaximum = 350;
/**
 * How much more the most memory may be where ten times as many get the campaign. V8 tidies up by what it finds worth while,
 * so that the same work differs by a tenth; what kept something for each recipient would make it several times as much.
 */
const growthMaximum = 1.15;

/** The most resident memory that each process had, from its start to the end of one campaign. */
export const memory: Measurement = {
  name: 'memory',
  about: 'megabytes of each process while a campaign of growing size is sent',
  async run(stage) {
    const runs = await volumeRuns(stage);
    return [
      ...rowsOf('dispatcher', runs, ({ dispatchers }) => highest(dispatchers), dispatcherMaximum),
      ...rowsOf('primary', runs, ({ primary }) => primary, primaryMaximum),
      ...rowsOf('processing', runs, ({ processing }) => processing),
    ];
  },
};

/** One row for each size; the largest is compared with the one before. */
function rowsOf(
  role: string,
  runs: readonly VolumeRun[],
  of: (run: VolumeRun) => ProcessMemory,
  maximum?: number,
): BenchRow[] {
  const rows = runs.map((run): BenchRow => {
    const { now, peak } = of(run);
    return {
      what: `${role}, ${run.recipients} recipients`,
      value: peak / megabyte,
      unit: 'MB',
      ...(maximum === undefined ? {} : { goal: { of: 'value', atMost: maximum } }),
      note: `${(now / megabyte).toFixed(0)} MB at the end`,
    };
  });
  const [before, largest] = runs.slice(-2);
  if (before === undefined || largest === undefined) return rows;
  const peaks = [before, largest].map((run) => of(run).peak / megabyte) as [number, number];
  return [
    ...rows,
    {
      what: `${role}, growth to ${largest.recipients} recipients`,
      value: peaks[1],
      unit: 'MB',
      against: { what: `${before.recipients} recipients`, value: peaks[0] },
      ratio: peaks[1] / peaks[0],
      goal: { of: 'ratio', atMost: growthMaximum },
    },
  ];
}

const highest = (all: readonly ProcessMemory[]): ProcessMemory =>
  all.reduce((a, b) => (b.peak > a.peak ? b : a), { now: 0, peak: 0 });
