import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processIdentity } from '../../src/local/process-identity.ts';
import { packagePath } from '../../src/package-path.ts';
import { endAll, keepPorts, plainEnvironment, recordedChildren, startUp } from '../support/up-process.ts';
import { waitFor } from '../support/wait-for.ts';

const exm = [process.execPath, packagePath('bin/exm.js')];

let dir: string;
let temporary: string;
let started: ChildProcess | undefined;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exm-up-'));
  temporary = join(dir, 'tmp');
  mkdirSync(temporary, { mode: 0o777 });
  await keepPorts(dir);
});
afterEach(async () => {
  started?.kill('SIGKILL');
  const up = holder();
  if (up !== undefined && isRunning(up)) process.kill(up, 'SIGKILL');
  await waitFor(() => !isRunning(up));
  await endAll(dir);
  rmSync(dir, { recursive: true, force: true });
});

const dataDir = () => join(dir, '.exm');
const isRunning = (pid: number | undefined) => pid !== undefined && processIdentity(pid) !== undefined;

/** Starts a program that starts `exm up` or `exm demo`, and waits until everything answers. @returns the latter's process id */
async function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  started = spawn(command, args, {
    cwd: dir,
    env: plainEnvironment({ TMPDIR: temporary, ...env }),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [started.stdout, started.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  await waitFor(() => existsSync(join(dataDir(), 'env')), {
    timeoutMs: 240_000,
    describe: () => `everything to run:\n${output}`,
  });
  return holder() ?? 0;
}

/** Who has the folder. */
function holder(): number | undefined {
  const file = join(dataDir(), 'lock');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid : undefined;
}

/** Waits until nothing of it runs, and expects that it left no lock and no temporary file behind. */
async function expectNothingLeft(up: number, parts: Readonly<Record<string, number>>): Promise<void> {
  const left = () => Object.entries(parts).filter(([, pid]) => isRunning(pid));
  await waitFor(() => !isRunning(up) && left().length === 0, {
    describe: () => `everything to end. Left: ${isRunning(up) ? 'exm up, ' : ''}${JSON.stringify(left())}`,
  });
  expect(recordedChildren(dataDir())).toEqual({});
  expect(readdirSync(dataDir()).filter((name) => /lock|\.new$/.test(name))).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
}

const up = ['up', '--dispatchers', '1'];

describe('exm up whose surroundings go away', () => {
  test('goes on where nobody reads its output any more, also when it has something to say, and stops as planned', async () => {
    const pid = await start(exm[0] ?? '', [exm[1] ?? '', ...up]);
    started?.stdout?.destroy();
    started?.stderr?.destroy();
    const before = recordedChildren(dataDir());
    process.kill(before['dispatch-1'] ?? 0, 'SIGKILL');
    await waitFor(
      () => (recordedChildren(dataDir())['dispatch-1'] ?? before['dispatch-1']) !== before['dispatch-1'],
      {
        describe: 'the dispatcher to be started again',
      },
    );
    expect(isRunning(pid)).toBe(true);
    const parts = recordedChildren(dataDir());
    process.kill(pid, 'SIGTERM');
    await expectNothingLeft(pid, parts);
  });

  test('stops everything when its terminal is closed', async () => {
    const pid = await start('script', [
      '--quiet',
      '--flush',
      '--command',
      `${exm.join(' ')} ${up.join(' ')}`,
      '/dev/null',
    ]);
    const parts = recordedChildren(dataDir());
    started?.kill('SIGKILL');
    await expectNothingLeft(pid, parts);
  });

  test('stops everything when it is told to with its whole process group', async () => {
    const pid = await start('sh', ['-c', `${exm.join(' ')} ${up.join(' ')}; true`]);
    const parts = recordedChildren(dataDir());
    process.kill(-(started?.pid ?? 0), 'SIGTERM');
    await expectNothingLeft(pid, parts);
  });

  test('stops everything when the npm that runs it is killed', async () => {
    const pid = await start('npm', [
      '--prefix',
      packagePath('.'),
      'run',
      'demo',
      '--',
      '--data-dir',
      dataDir(),
    ]);
    const parts = recordedChildren(dataDir());
    started?.kill('SIGKILL');
    await expectNothingLeft(pid, parts);
  });

  test('goes on where the shell that started it is killed, and stops as planned', async () => {
    const pid = await start('sh', ['-c', `${exm.join(' ')} ${up.join(' ')}; true`]);
    started?.kill('SIGKILL');
    await waitFor(() => !isRunning(started?.pid));
    const parts = recordedChildren(dataDir());
    process.kill(parts['dispatch-1'] ?? 0, 'SIGKILL');
    await waitFor(
      () => (recordedChildren(dataDir())['dispatch-1'] ?? parts['dispatch-1']) !== parts['dispatch-1'],
      {
        describe: 'the dispatcher to be started again',
      },
    );
    process.kill(pid, 'SIGTERM');
    await expectNothingLeft(pid, recordedChildren(dataDir()));
  });
});

describe('exm demo', () => {
  test('that is killed is cleared away by the next start on its folder', async () => {
    const pid = await start(exm[0] ?? '', [exm[1] ?? '', 'demo', '--data-dir', dataDir()]);
    const parts = recordedChildren(dataDir());
    process.kill(pid, 'SIGKILL');
    await waitFor(() => !isRunning(pid));
    const next = await startUp(dir, ['--dispatchers', '0'], { TMPDIR: temporary });
    expect(Object.entries(parts).filter(([, part]) => isRunning(part))).toEqual([]);
    const after = next.children();
    expect(await next.end('SIGTERM')).toBe(0);
    await expectNothingLeft(pid, after);
  });
});
