import { FailedError } from '../domain/errors.ts';
import { expectedEvents, formulaHolds, formulaTolerance, type HistoryFigures } from './history-figures.ts';
import type { BenchRow, Measurement } from './measurement.ts';
import { type VolumeRun, volumeRuns } from './volume-runs.ts';

const eventsMaximum = 12_000;
const longestMaximum = 10_000;

/** What a campaign costs in Temporal, counted in the histories that it left, against the formula in docs/architecture.md. */
export const history: Measurement = {
  name: 'history',
  about: "events in a campaign's histories, and what a metered Temporal would bill",
  async run(stage) {
    const runs = await volumeRuns(stage);
    requireFormula(runs);
    return runs.flatMap(({ recipients, histories }) => rowsOf(recipients, histories));
  },
};

function rowsOf(recipients: number, figures: HistoryFigures): BenchRow[] {
  const { batches, events, longest, tasks, actions } = figures;
  const expected = expectedEvents(batches);
  return [
    {
      what: `events, ${recipients} recipients`,
      value: events,
      unit: 'events',
      against: { what: `the formula for ${batches} batches`, value: expected },
      ratio: events / expected,
      goal: { of: 'value', atMost: eventsMaximum },
      note: `${batches} batches; ${tasks} workflow tasks and activities, ${actions} billed actions and the heartbeats`,
    },
    {
      what: `longest history, ${recipients} recipients`,
      value: longest,
      unit: 'events',
      goal: { of: 'value', atMost: longestMaximum },
    },
  ];
}

/** @throws FailedError BENCH_FORMULA where the documentation does not tell the truth */
function requireFormula(runs: readonly VolumeRun[]): void {
  if (runs.every(({ histories }) => formulaHolds(histories))) return;
  const all = runs.map(
    ({ recipients, histories: { events, batches } }) =>
      `${events} events of ${recipients} recipients in ${batches} batches (the formula: ${expectedEvents(batches)})`,
  );
  throw new FailedError(
    'BENCH_FORMULA',
    `A campaign's events in Temporal differ from the formula by more than ${formulaTolerance * 100} %.`,
    {
      field: 'events',
      value: all.join(', '),
      hint: 'Please report it: docs/architecture.md is wrong, or a workflow does more than it has to.',
    },
  );
}
