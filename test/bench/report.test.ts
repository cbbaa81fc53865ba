import { describe, expect, it } from 'vitest';
import { goalState } from '../../src/bench/goal.ts';
import { type Machine, machineBeforeStart } from '../../src/bench/machine.ts';
import type { BenchRow } from '../../src/bench/measurement.ts';
import { benchReport, machineLines, resultText } from '../../src/cli/bench-report.ts';

const quick: BenchRow = {
  what: 'dispatch, 14.5 KB',
  value: 8_312.4,
  unit: 'messages/s',
  against: { what: 'a bare socket', value: 11_707 },
  ratio: 0.71,
  goal: { of: 'ratio', atLeast: 0.65 },
};
const machine: Machine = {
  cores: 2,
  processor: 'A Processor With A Rather Long Name @ 2.60GHz',
  system: 'Linux 6.1.0',
  node: 'v20.19.0',
  postgres: '18.4',
  temporal: '1.5.1 (Server 1.29.1, UI 2.42.1)',
  loadBefore: 0.1,
  warning: undefined,
};

describe('the goal of a figure', () => {
  const state = (change: Partial<BenchRow>) => goalState({ ...quick, ...change });

  it('is met, missed, or far, which is half as good or worse', () => {
    expect([0.65, 0.64, 0.325, 0.324].map((ratio) => state({ ratio }))).toEqual([
      'met',
      'missed',
      'missed',
      'far',
    ]);
    const goal = { of: 'value', atMost: 250 } as const;
    expect([250, 251, 500, 501].map((value) => state({ value, goal }))).toEqual([
      'met',
      'missed',
      'missed',
      'far',
    ]);
  });

  it('is far from where it says so itself', () => {
    const goal = { of: 'ratio', atLeast: 0.65, farFrom: 0.1 } as const;
    expect([0.65, 0.2, 0.1, 0.09].map((ratio) => state({ ratio, goal }))).toEqual([
      'met',
      'missed',
      'missed',
      'far',
    ]);
  });

  it('says nothing where there is no goal or no figure', () => {
    expect(goalState({ what: 'import', value: 1 })).toBeUndefined();
    expect(goalState({ what: 'smtp-source', goal: { of: 'ratio', atLeast: 1 } })).toBeUndefined();
  });
});

describe('the table of figures', () => {
  const text = (...rows: BenchRow[]) => resultText({ name: 'dispatch', about: 'messages per second', rows });

  it('says of a figure what it is compared with, what was aimed at, and whether that was met', () => {
    expect(text(quick)).toBe(
      '\ndispatch: messages per second\n' +
        '  dispatch, 14.5 KB  8,312 messages/s  0.71 x of 11,707 by a bare socket (goal at least 0.65: met)',
    );
    expect(text({ ...quick, ratio: 0.2 })).toMatch(/0\.65: missed\s+by far\)/);
    expect(text({ what: 'memory', value: 288.04, unit: 'MB', goal: { of: 'value', atMost: 250 } })).toContain(
      'memory  288 MB  (goal at most 250: missed)',
    );
  });

  it('fits 100 columns, and loses nothing', () => {
    const note =
      'Not installed: apt-get install postfix, dnf install postfix, or brew install postfix. '.repeat(3);
    const long = 'the 99th percentile of what it took to store an event, milliseconds';
    const shown = text(quick, { what: 'beside smtp-source', note }, { ...quick, what: long, note });
    for (const line of shown.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    const flowing = shown.replaceAll(/\s+/g, ' ');
    for (const part of [note, long, '11,707 by a bare socket']) {
      expect(flowing).toContain(part.trim().replaceAll(/\s+/g, ' '));
    }
    for (const line of machineLines(machine).split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  });

  it('says where a measurement failed', () => {
    const error = { code: 'BENCH_PROGRAM', message: 'It ended.' };
    expect(resultText({ name: 'dispatch', about: 'speed', rows: [], error })).toContain('failed: It ended.');
  });
});

describe('the figures as JSON', () => {
  it('have all rows with what became of their goal, and the machine', () => {
    const report = benchReport(0.1, machine, [
      { name: 'dispatch', about: 'speed', rows: [quick, { what: 'smtp-source', note: 'not installed' }] },
    ]);
    expect(JSON.parse(JSON.stringify(report))).toEqual({
      size: 0.1,
      machine: { ...machine, warning: undefined },
      measurements: [
        {
          name: 'dispatch',
          about: 'speed',
          rows: [
            { ...quick, state: 'met' },
            { what: 'smtp-source', note: 'not installed' },
          ],
        },
      ],
    });
  });
});

describe('a machine that does something else', () => {
  it('is warned of before anything starts', () => {
    expect(machineBeforeStart(0.5, 2).warning).toBeUndefined();
    expect(machineBeforeStart(1.5, 2).warning).toMatch(/a load of 1\.5 on 2 cores/);
  });
});
