import { type GoalState, goalState } from '../bench/goal.ts';
import type { Machine } from '../bench/machine.ts';
import type { BenchGoal, BenchRow } from '../bench/measurement.ts';
import { table } from './table.ts';
import { wrap } from './wrap.ts';

export interface BenchResult {
  readonly name: string;
  readonly about: string;
  readonly rows: readonly BenchRow[];
  /** Where dispatchers were profiled: what the time of their JavaScript goes to, and which part of it. */
  readonly profile?: readonly (readonly [group: string, share: number])[];
  /** Where it failed, why. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

/** No line of the table is longer. */
const lineMaximum = 100;
const whatMaximum = 40;
const gap = '  ';

const stateWords = { met: 'met', missed: 'missed', far: 'missed by far' } as const satisfies Record<
  GoalState,
  string
>;

/** The rows of a measurement: what, figure, and behind it what it is compared with, its goal, and what to know. */
export function resultText({ name, about, rows, error, profile = [] }: BenchResult): string {
  const title = `\n${wrap(`${name}: ${about}`, 0, lineMaximum)}\n`;
  if (error !== undefined) return `${title}${gap}failed: ${error.message}`;
  const figures = rows.map(figureOf);
  const whatWidth = Math.min(whatMaximum, Math.max(0, ...rows.map(({ what }) => what.length)));
  const figureWidth = Math.max(0, ...figures.map((figure) => figure.length));
  const indent = gap.length + whatWidth + gap.length + figureWidth + gap.length;
  const lines = rows.map((row, index) => {
    // What is too long for its column has a line of its own.
    const what = row.what.length > whatWidth ? `${row.what}\n${gap}${' '.repeat(whatWidth)}` : row.what;
    const head = `${gap}${what.padEnd(whatWidth)}${gap}${(figures[index] ?? '').padStart(figureWidth)}${gap}`;
    const remarks = remarksOf(row).map((remark) => wrap(remark, indent, lineMaximum));
    return `${head}${remarks.join('\n').slice(indent)}`.trimEnd();
  });
  return [title + lines.join('\n'), ...profileLines(profile)].join('\n');
}

function profileLines(profile: NonNullable<BenchResult['profile']>): string[] {
  if (profile.length === 0) return [];
  const rows = profile.map(([group, share]) => [`  ${group}`, `${(100 * share).toFixed(1)} %`.padStart(7)]);
  return ['', `${gap}What the dispatchers' JavaScript spends its time on:`, table(rows)];
}

function figureOf({ value, unit }: BenchRow): string {
  return value === undefined ? '-' : `${number(value)} ${unit ?? ''}`.trimEnd();
}

/** "0.71 x of 11,707 by a bare socket (goal at least 0.65: met)", and below it the note. */
function remarksOf(row: BenchRow): string[] {
  const { ratio, against, note } = row;
  const words = [
    ...(ratio === undefined ? [] : [`${number(ratio)} x`]),
    ...(against === undefined
      ? []
      : [`${ratio === undefined ? 'beside' : 'of'} ${number(against.value)} by ${against.what}`]),
    goalText(row),
  ];
  return [words.join(' ').trim(), note ?? ''].filter((remark) => remark !== '');
}

function goalText(row: BenchRow): string {
  const { goal } = row;
  if (goal === undefined) return '';
  const state = goalState(row);
  const far = goal.farFrom === undefined ? '' : `, far from ${number(goal.farFrom)}`;
  return `(goal ${boundsText(goal)}${far}${state === undefined ? '' : `: ${stateWords[state]}`})`;
}

function boundsText({ atLeast, atMost }: BenchGoal): string {
  const bounds = [
    atLeast === undefined ? '' : `at least ${number(atLeast)}`,
    atMost === undefined ? '' : `at most ${number(atMost)}`,
  ];
  return bounds.filter((bound) => bound !== '').join(', ');
}

/** Three digits, or all of those before the point. */
function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return value.toLocaleString('en', digits);
}

export function machineLines(machine: Machine): string {
  const { cores, processor, system, node, postgres, temporal, loadBefore, warning } = machine;
  const parts = [
    `${cores} cores (${processor})`,
    system,
    `Node.js ${node}`,
    ...(postgres === undefined ? [] : [`PostgreSQL ${postgres}`]),
    ...(temporal === undefined ? [] : [`Temporal's dev server ${temporal}`]),
    `load before the start ${loadBefore.toFixed(2)}`,
  ];
  const lines = [wrap(`On ${parts.join(', ')}.`, 0, lineMaximum)];
  if (warning !== undefined) lines.push(wrap(warning, 0, lineMaximum));
  return `\n${lines.join('\n')}`;
}

/** What `--json` writes. */
export function benchReport(size: number, machine: Machine, results: readonly BenchResult[]) {
  return {
    size,
    machine,
    measurements: results.map(({ rows, ...result }) => ({
      ...result,
      rows: rows.map((row) => {
        const state = goalState(row);
        return { ...row, ...(state === undefined ? {} : { state }) };
      }),
    })),
  };
}
