import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { measurements } from '../../src/bench/measurements.ts';
import { sizeOf } from '../../src/bench/open-stage.ts';
import { runExm } from '../support/installation.ts';

const dir = mkdtempSync(join(tmpdir(), 'exm-bench-command-'));
/** A temporary folder of its own, so that whatever the bench starts would be seen in it. */
const temporary = join(dir, 'tmp');
mkdirSync(temporary);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const bench = async (...args: string[]) =>
  await runExm(['bench', ...args], { env: { PATH: process.env['PATH'], TMPDIR: temporary }, cwd: dir });

describe('exm bench', () => {
  it('names what it can measure', async () => {
    const { code, stdout } = await bench('--list');
    expect(code).toBe(0);
    for (const { name, about } of measurements)
      expect(stdout).toMatch(new RegExp(`^${name} +${about}$`, 'm'));
    expect((await bench('--list', '--json', '-')).json().measurements).toHaveLength(measurements.length);
  });

  it('names each measurement once, as a command line takes it', () => {
    const names = measurements.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z-]+$/);
  });

  it('refuses wrong input before it starts anything', async () => {
    const wrong = [
      [['dispatch', 'dispach'], /"dispach"[\s\S]*There are .*dispatch[\s\S]*BENCH_MEASUREMENT/],
      [['--size', 'huge'], /full, short, or a number above 0/],
      [['--json', 'no/such/folder/figures.json'], /figures\.json[\s\S]*BENCH_JSON_FILE/],
      [['--json', '.'], /BENCH_JSON_FILE/],
    ] as const;
    const results = await Promise.all(wrong.map(async ([args]) => await bench(...args)));
    for (const [index, { code, stderr, stdout }] of results.entries()) {
      expect(stderr).toMatch(wrong[index]?.[1] ?? '');
      expect(stderr).not.toContain('Starting');
      expect([code, stdout]).toEqual([2, '']);
    }
    expect(readdirSync(temporary)).toEqual([]);
    expect(existsSync(join(dir, 'figures.json'))).toBe(false);
  });

  it('measures with a tenth where it is to be short, and never with next to nothing', () => {
    expect(sizeOf(50_000, 1)).toBe(50_000);
    expect(sizeOf(50_000, 0.1)).toBe(5_000);
    expect(sizeOf(50_000, 0.0001)).toBe(100);
    expect(sizeOf(8, 0.1)).toBe(8);
  });
});
