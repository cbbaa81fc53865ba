import { table } from '../../src/cli/table.ts';
import type { RoundResult } from './run-round.ts';

/** The figures of a run. */
export interface ChaosReport {
  readonly seed: number;
  readonly minutes: number;
  readonly rounds: number;
  readonly campaigns: number;
  readonly messages: number;
  readonly missing: number;
  readonly repeated: number;
  readonly allowed: number;
  readonly inDoubt: number;
  /** Faults that were done, by name. */
  readonly faults: Readonly<Record<string, number>>;
  readonly worstRecovery: { readonly fault: string; readonly round: number; readonly ms: number } | null;
  readonly broken: readonly {
    readonly round: number;
    readonly campaigns: readonly string[];
    readonly promise: string;
  }[];
  /** Lines of level error in the logs of the workers, and how often. */
  readonly errors: Readonly<Record<string, number>>;
  /** Requests of operators that failed for another reason than a refusal, and how often. */
  readonly failures: Readonly<Record<string, number>>;
}

export function reportOf(
  seed: number,
  ms: number,
  results: readonly RoundResult[],
  errors: ReadonlyMap<string, number>,
): ChaosReport {
  const sum = (of: (result: RoundResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const recoveries = results.flatMap(({ number, recoveries: of }) =>
    of.map((recovery) => ({ ...recovery, round: number })),
  );
  return {
    seed,
    minutes: Math.round(ms / 6_000) / 10,
    rounds: results.length,
    campaigns: sum(({ campaigns }) => campaigns.length),
    messages: sum(({ received }) => received),
    missing: sum(({ missing }) => missing),
    repeated: sum(({ repeated }) => repeated),
    allowed: sum(({ allowed }) => allowed),
    inDoubt: sum(({ inDoubt }) => inDoubt),
    faults: counted(results.flatMap(({ done }) => done)),
    worstRecovery: recoveries.sort((a, b) => b.ms - a.ms)[0] ?? null,
    broken: results.flatMap(({ number, campaigns, broken }) =>
      broken.map((promise) => ({ round: number, campaigns, promise })),
    ),
    errors: Object.fromEntries(errors),
    failures: counted(results.flatMap(({ failures }) => failures)),
  };
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

export function describeResult(result: RoundResult): string {
  const { number, campaigns, ms, received, missing, repeated, allowed, inDoubt, broken, notDone } = result;
  const late = notDone.length === 0 ? '' : `; not done: ${notDone.join(', ')}`;
  const doubt = inDoubt === 0 ? '' : `, ${inDoubt} in doubt`;
  const verdict = broken.length === 0 ? 'kept' : `BROKEN: ${broken.join('; ')}`;
  return (
    `  ${number}: ${campaigns.join(', ')}: ${received} received, ${missing} missing, ` +
    `${repeated} repeated (${allowed} excused)${doubt} in ${(ms / 1_000).toFixed(1)} s${late}. ${verdict}`
  );
}

export function describeReport(report: ChaosReport): string {
  const { worstRecovery } = report;
  const rows = [
    ['minutes', report.minutes],
    ['campaigns', report.campaigns],
    ['messages received', report.messages],
    ['missing', report.missing],
    ['repeated', `${report.repeated} (${report.allowed} excused by the faults)`],
    ['in doubt, where nobody may get it twice', report.inDoubt],
    [
      'worst time to recover',
      worstRecovery === null
        ? '-'
        : `${(worstRecovery.ms / 1_000).toFixed(1)} s (${worstRecovery.fault}, round ${worstRecovery.round})`,
    ],
    ['promises broken', report.broken.length],
  ];
  const sections = [
    table(rows.map((row) => row.map(String))),
    listed('faults', report.faults),
    listed('errors in the logs of the workers', report.errors),
    listed('requests that failed', report.failures),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function listed(title: string, counts: Readonly<Record<string, number>>): string {
  const rows = Object.entries(counts).map(([name, count]) => [`  ${count}`, name]);
  return rows.length === 0 ? '' : `${title}:\n${table(rows)}`;
}
