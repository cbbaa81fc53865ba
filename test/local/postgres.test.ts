import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalPostgres, startPostgres } from '../../src/local/postgres.ts';
import { linkLibraries, postgresBinaries } from '../../src/local/postgres-binaries.ts';
import { processIdentity } from '../../src/local/process-identity.ts';
import { ownPorts } from '../support/ports.ts';
import { waitFor } from '../support/wait-for.ts';

let dir: string;
let port: number;
const running = new Set<LocalPostgres>();
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exm-postgres-'));
  chmodSync(dir, 0o711);
  [port = 0] = await ownPorts(1);
});
afterEach(async () => {
  for (const postgres of running) await postgres.stop();
  running.clear();
  rmSync(dir, { recursive: true, force: true });
});

async function start(folder = dir): Promise<LocalPostgres> {
  const postgres = await startPostgres({
    dir: join(folder, 'postgres'),
    port,
    logFile: join(folder, 'postgres.log'),
    settings: { fsync: 'off' },
  });
  running.add(postgres);
  return postgres;
}

async function query(postgres: LocalPostgres, text: string) {
  const client = new pg.Client({ connectionString: postgres.url('postgres') });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe('the local PostgreSQL', () => {
  it('listens on loopback only, asks for its password, and keeps that to its owner', async () => {
    const postgres = await start();
    expect(await query(postgres, "select setting from pg_settings where name = 'listen_addresses'")).toEqual([
      { setting: '127.0.0.1' },
    ]);
    expect(statSync(join(dir, 'postgres', 'password')).mode & 0o777).toBe(0o600);
    const wrong = new pg.Client({
      connectionString: postgres.url('postgres').replace(/:[^:@]+@/, ':wrong@'),
    });
    await expect(wrong.connect()).rejects.toThrow('password authentication failed');
  });

  it('knows upper and lower case beyond ASCII, whatever the locale of the system', async () => {
    const postgres = await start();
    expect(await query(postgres, "select lower('ŽÖÉ') as lower, 'ß' < 'ü' as ordered")).toEqual([
      { lower: 'žöé', ordered: true },
    ]);
  });

  it('has its data after a planned stop', async () => {
    const first = await start();
    await query(first, 'create table kept as select 1 as one');
    await first.stop();
    expect(await query(await start(), 'select one from kept')).toEqual([{ one: 1 }]);
  });

  it('is stopped and started anew where the one before still runs on the same data', async () => {
    const first = await start();
    await query(first, 'create table kept as select 1 as one');
    [port = 0] = await ownPorts(1);
    const second = await start();
    expect(await query(second, 'select one from kept')).toEqual([{ one: 1 }]);
    await waitFor(() => first.child.exit !== undefined);
    expect(first.child.exit).toMatchObject({ code: 0 });
  });

  it('starts after it was killed, also where its process id belongs to another program by now', async () => {
    const first = await start();
    await query(first, 'create table kept as select 1 as one');
    first.child.kill('SIGKILL');
    await first.child.exited;
    const pidFile = join(dir, 'postgres', 'data', 'postmaster.pid');
    const lines = readFileSync(pidFile, 'utf8').split('\n');
    writeFileSync(pidFile, [String(process.pid), ...lines.slice(1)].join('\n'));
    expect(await query(await start(), 'select one from kept')).toEqual([{ one: 1 }]);
    expect(processIdentity(process.pid)).toBeDefined();
  });

  it('says what it wrote last where it cannot start', async () => {
    const first = await start();
    await first.stop();
    writeFileSync(join(dir, 'postgres', 'data', 'postgresql.conf'), 'nonsense = 1\n');
    await expect(start()).rejects.toMatchObject({
      code: 'POSTGRES_START',
      message: expect.stringContaining('nonsense'),
    });
  });

  it('says so where its password is lost', async () => {
    const first = await start();
    await first.stop();
    rmSync(join(dir, 'postgres', 'password'));
    await expect(start()).rejects.toMatchObject({
      code: 'POSTGRES_INIT',
      field: join(dir, 'postgres', 'password'),
    });
  });

  // Only root meets this: its home is closed to the account that PostgreSQL runs under.
  it.runIf(process.getuid?.() === 0 && process.platform === 'linux')(
    'runs for root below a folder that is closed to others',
    async () => {
      const closed = mkdtempSync(join(homedir(), '.exm-postgres-'));
      chmodSync(closed, 0o700);
      try {
        const postgres = await start(closed);
        expect(await query(postgres, 'select 1 as one')).toEqual([{ one: 1 }]);
        await postgres.stop();
        expect(await query(await start(closed), 'select 2 as two')).toEqual([{ two: 2 }]);
      } finally {
        for (const postgres of running) await postgres.stop();
        rmSync(closed, { recursive: true, force: true });
      }
    },
  );
});

describe('the programs of the local PostgreSQL', () => {
  it('run where npm installed their package without its script', () => {
    const native = join(dirname(postgresBinaries().initdb), '..');
    // As npm unpacks it: without links.
    const filter = (path: string) =>
      !lstatSync(path).isSymbolicLink() && !path.startsWith(join(native, 'share'));
    cpSync(native, join(dir, 'native'), { recursive: true, filter });
    const version = () =>
      execFileSync(join(dir, 'native', 'bin', 'initdb'), ['--version'], { encoding: 'utf8', stdio: 'pipe' });
    expect(version).toThrow();
    linkLibraries(dir);
    expect(version()).toMatch(/^initdb \(PostgreSQL\) 18\./);
    linkLibraries(dir);
  });
});
