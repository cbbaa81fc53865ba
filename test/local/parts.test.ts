import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadEnvironment } from '../../src/config/environment.ts';
import { startChild } from '../../src/local/child.ts';
import { endLeftChildren } from '../../src/local/children-record.ts';
import { type DataDir, openDataDir } from '../../src/local/data-dir.ts';
import { formatEnvironment, writeEnvironmentFile } from '../../src/local/env-file.ts';
import { PartPorts } from '../../src/local/part-ports.ts';
import { choosePort, freePorts, isPortFree } from '../../src/local/ports.ts';
import { isRunning, recordProcess } from '../../src/local/process-identity.ts';
import { acquireProcessLock } from '../../src/local/process-lock.ts';
import fc from '../support/fast-check.ts';

let dir: string;
let dataDir: DataDir;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exm-parts-'));
  dataDir = await openDataDir(join(dir, 'data'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function listen(port: number) {
  const server = createServer();
  return new Promise<() => Promise<void>>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () =>
      resolve(() => new Promise((closed) => server.close(() => closed()))),
    );
  });
}

describe('the env file', () => {
  it('gives back whatever was written to it', () => {
    // A line break is no part of a URL, a path or a key; and no value holds all three kinds of quotes.
    const value = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n"\\]/g, ''));
    const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/);
    fc.assert(
      fc.property(fc.dictionary(name, value), (variables) => {
        expect({ ...parseEnv(formatEnvironment(variables)) }).toEqual({ ...variables });
      }),
    );
  });

  it('goes behind the real environment', () => {
    writeEnvironmentFile(dataDir.path, { ONE: 'file', TWO: 'file # with a sign' });
    expect(loadEnvironment(dataDir.path, { ONE: 'real' })).toEqual({
      ONE: 'real',
      TWO: 'file # with a sign',
    });
  });
});

describe('the data folder', () => {
  it('is made with the folders above it', async () => {
    const path = join(dir, 'one', 'two', 'three');
    (await openDataDir(path)).release();
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it.skipIf(!existsSync('/proc/self'))('is refused where the system makes no folders', async () => {
    for (const path of ['/proc/x', '/proc/x/y'])
      await expect(openDataDir(path)).rejects.toMatchObject({
        code: 'DATA_DIR',
        value: path,
        message: expect.stringContaining('no folder can be made in /proc'),
      });
  });

  it('is refused where it, or what is above it, is a file or a link that leads nowhere', async () => {
    writeFileSync(join(dir, 'file'), '');
    symlinkSync(join(dir, 'nowhere', 'at-all'), join(dir, 'link'));
    for (const path of ['file', 'file/below', 'link', 'link/below'])
      await expect(openDataDir(join(dir, path)), path).rejects.toMatchObject({ code: 'DATA_DIR' });
  });
});

describe('a process lock', () => {
  it('is held by one at a time, and free again after its release', async () => {
    const path = join(dir, 'lock');
    const first = await acquireProcessLock(path);
    expect((await acquireProcessLock(path)).holder?.pid).toBe(process.pid);
    first.lock?.release();
    expect((await acquireProcessLock(path)).lock).toBeDefined();
  });

  it('is taken over from a process that is gone, by one only of many that try', async () => {
    const path = join(dir, 'lock');
    for (const left of [JSON.stringify({ pid: process.pid, identity: 'an earlier start' }), 'garbage', '']) {
      writeFileSync(path, left);
      const results = await Promise.all(Array.from({ length: 20 }, () => acquireProcessLock(path)));
      expect(results.filter((result) => result.lock !== undefined)).toHaveLength(1);
      results.find((result) => result.lock !== undefined)?.lock?.release();
      expect(existsSync(path)).toBe(false);
    }
  });
});

describe('ports', () => {
  it('are the wanted ones where they are free, else others', async () => {
    const [one = 0, two = 0] = await freePorts(2);
    expect(await choosePort([undefined, one])).toBe(one);
    expect(await choosePort([one, two], new Set([one]))).toBe(two);
    const close = await listen(one);
    expect(await isPortFree(one)).toBe(false);
    expect(await choosePort([one, two])).toBe(two);
    expect([one, two]).not.toContain(await choosePort([one, two], new Set([two])));
    await close();
  });

  it('stay the same from start to start, as long as nobody else has taken them', async () => {
    const told: string[] = [];
    const start = () => new PartPorts(dataDir, (line) => told.push(line)).use('mail', async (port) => port);
    const first = await start();
    expect(await start()).toBe(first);
    const close = await listen(first);
    const moved = await start();
    expect(moved).not.toBe(first);
    expect(told).toEqual([`Port ${first} (mail) is used by another program; ${moved} is taken instead`]);
    await close();
    expect(await start()).toBe(moved);
  });

  it('change where another program takes one just before its part does', async () => {
    const ports = new PartPorts(dataDir, () => undefined);
    const tried: number[] = [];
    const closes: (() => Promise<void>)[] = [];
    const used = await ports.use('smtp', async (port) => {
      tried.push(port);
      if (tried.length === 1) {
        closes.push(await listen(port));
        throw new Error('address in use');
      }
      return port;
    });
    expect(tried).toHaveLength(2);
    expect(used).not.toBe(tried[0]);
    await expect(
      ports.use('reports', async () => {
        throw new Error('broken for another reason');
      }),
    ).rejects.toThrow('another reason');
    for (const close of closes) await close();
  });
});

describe('what a killed run left', () => {
  it('is ended, but never another program that has its process id by now', async () => {
    const left = startChild({
      command: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1000)'],
      env: process.env,
      logFile: join(dir, 'left.log'),
    });
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    dataDir.writeJson('children.json', [
      { name: 'left', ...left.record },
      { name: 'other', pid: other.pid, identity: 'an earlier start' },
      { name: 'nobody', pid: 2 ** 22 + 1, identity: 'gone' },
      { name: 'all', pid: -1, identity: 'a group' },
      'garbage',
    ]);
    const told: string[] = [];
    await endLeftChildren(dataDir, { tell: (line) => void told.push(line) });
    expect(isRunning(left.record)).toBe(false);
    expect(recordProcess(other.pid ?? 0)).toBeDefined();
    expect(told).toEqual(['Stopping what an earlier run left behind: left']);
    other.kill('SIGKILL');
  });

  it('is nothing where the record is broken', async () => {
    writeFileSync(dataDir.file('children.json'), '[{');
    await endLeftChildren(dataDir, { tell: (line) => expect.fail(line) });
  });
});

describe('a child', () => {
  it('writes to its log, and is killed where it does not stop in time', async () => {
    const logFile = join(dir, 'child.log');
    writeFileSync(logFile, 'an earlier run\n');
    const child = startChild({
      command: process.execPath,
      args: [
        '-e',
        "process.on('SIGTERM', () => console.log('no')); console.log('up'); setInterval(() => {}, 1000)",
      ],
      env: process.env,
      logFile,
    });
    await expect.poll(() => child.output(), { timeout: 30_000 }).toBe('up\n');
    expect(await child.stop('SIGTERM', 3_000)).toMatchObject({ signal: 'SIGKILL' });
    expect(readFileSync(logFile, 'utf8')).toBe('an earlier run\nup\nno\n');
  });

  it('says why it could not be started', async () => {
    const child = startChild({
      command: '/nowhere/program',
      args: [],
      env: {},
      logFile: join(dir, 'none.log'),
    });
    expect((await child.exited).error?.message).toContain('ENOENT');
    await child.stop('SIGTERM', 100);
  });
});
