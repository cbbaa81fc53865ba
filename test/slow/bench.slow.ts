import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BenchRow } from '../../src/bench/measurement.ts';
import { packagePath } from '../../src/package-path.ts';
import { runExm } from '../support/installation.ts';
import { waitFor } from '../support/wait-for.ts';

const dir = mkdtempSync(join(tmpdir(), 'exm-bench-test-'));
/** Its own, so that whatever the bench leaves would be seen in it. */
const temporary = join(dir, 'tmp');
const file = join(dir, 'figures.json');
// PostgreSQL's account, where we are root, has to pass through.
beforeAll(() => {
  mkdirSync(temporary, { mode: 0o755 });
  rmSync(file, { force: true });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const { PATH, HOME } = process.env;
/** A database that does not exist: a bench that used it would fail. */
const env = { PATH, HOME, TMPDIR: temporary, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' };

describe('exm bench', () => {
  it('measures a campaign with parts of its own, and leaves nothing behind', async () => {
    const { code, stdout, stderr } = await runExm(
      ['bench', 'dispatch', 'parts', '--size', '0.004', '--json', file],
      {
        env,
        cwd: dir,
      },
    );
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('does not use DATABASE_URL');
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(stdout).toMatch(/14\.5 KB, from start to Sent +\d[\d,]* messages\/s +[\d.]+ x of /);
    const { size, machine, measurements } = JSON.parse(readFileSync(file, 'utf8'));
    expect([size, machine.node]).toEqual([0.004, process.version]);
    expect(machine.postgres).toMatch(/^\d+\./);
    expect(measurements.map(({ name }: { name: string }) => name)).toEqual(['dispatch', 'parts']);
    for (const row of measurements.flatMap(({ rows }: { rows: BenchRow[] }) => rows)) {
      if (row.value === undefined) expect(row.note).toMatch(/install/);
      else expect(row.value, row.what).toBeGreaterThanOrEqual(0);
    }
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('ends what it has started and removes its folder on Ctrl-C', async () => {
    const child = spawn(process.execPath, [packagePath('bin/exm.js'), 'bench', 'dispatch', '--size', '1'], {
      env,
      cwd: dir,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    // Two engines, contacts and a warm-up come first.
    await waitFor(() => said.includes('Sending 50000 messages'), {
      timeoutMs: 400_000,
      describe: () => `it to begin:\n${said}`,
    });
    const [folder = ''] = readdirSync(temporary);
    child.kill('SIGINT');
    expect(await ended).toBe(1);
    expect(said).toContain('BENCH_INTERRUPTED');
    expect(readdirSync(temporary)).toEqual([]);
    const commands = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        } catch {
          return '';
        }
      });
    expect(commands.filter((command) => command.includes(folder))).toEqual([]);
  });
});
