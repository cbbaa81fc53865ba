import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { inject } from 'vitest';
import type { Database } from '../../src/db/connect.ts';
import { startPostgres } from '../../src/local/postgres.ts';
import { postgresAccount } from '../../src/local/postgres-account.ts';
import { withAdmin } from './database.ts';
import { ownPorts } from './ports.ts';

/** A PostgreSQL of which a test can fill a part of the disk, and empty it again. */
export interface SmallDisk {
  /** URL of its database `postgres`, as its owner. */
  readonly postgresUrl: string;
  /** Lets tables lie where it can be filled. */
  keep(db: Database, tables: readonly SmallTable[]): Promise<void>;
  /** From now on these tables cannot grow. */
  fill(): Promise<void>;
  /** There is room again. */
  free(): Promise<void>;
  /** To be called when the databases on it are gone. */
  close(): Promise<void>;
}

export type SmallTable = 'dispatch_outcome' | 'dispatch_queue' | 'campaign_audit';

export interface DiskKind {
  readonly name: string;
  /** What PostgreSQL says of the disk while it is full. */
  readonly words: RegExp;
  /** Why it cannot be had on this machine; undefined where it can. */
  readonly missing: () => string | undefined;
  /** Whether any table can be kept there, and not only the long ones. */
  readonly canMove: boolean;
  readonly make: () => Promise<SmallDisk>;
}

const temporaryFolder = (name: string) => {
  const dir = mkdtempSync(join(tmpdir(), `exm-${name}-`));
  // Root's PostgreSQL runs under another account, which has to pass through.
  chmodSync(dir, 0o711);
  return dir;
};

/** A small file system in memory, with a tablespace on it. Takes root. */
const smallFileSystem: DiskKind = {
  name: 'a file system without room',
  words: /No space left on device/,
  canMove: true,
  missing() {
    const dir = temporaryFolder('mount');
    try {
      mount(dir);
      run('umount', dir);
      return undefined;
    } catch (error) {
      return `no file system can be mounted: ${(error as Error).message}`;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  async make() {
    const postgresUrl = inject('postgresUrl');
    const dir = temporaryFolder('disk');
    const disk = join(dir, 'disk');
    mkdirSync(disk);
    mount(disk);
    const location = join(disk, 'space');
    mkdirSync(location, { mode: 0o700 });
    const account = postgresAccount();
    if (account !== undefined) chownSync(location, account.uid, account.gid);
    const name = `small_${process.pid}`;
    await withAdmin(postgresUrl, (admin) => admin.query(`create tablespace ${name} location '${location}'`));
    const ballast = join(disk, 'ballast');
    return {
      postgresUrl,
      async keep(db, tables) {
        for (const table of tables) await db.execute(sql.raw(`alter table ${table} set tablespace ${name}`));
      },
      async fill() {
        fillUp(ballast);
      },
      async free() {
        rmSync(ballast, { force: true });
      },
      async close() {
        rmSync(ballast, { force: true });
        await withAdmin(postgresUrl, (admin) => admin.query(`drop tablespace ${name}`));
        run('umount', disk);
        rmSync(dir, { recursive: true, force: true });
      },
    };
  },
};

/** A column of each table that can make its rows long. */
const longColumns = { dispatch_outcome: 'reply', dispatch_queue: 'language' } as const;
/** Longer than any other file of the server: a segment of its log of changes has 16 MiB. */
const longTablePages = 2_200;

/**
 * A PostgreSQL of its own whose files may not get longer than its longest tables are (RLIMIT_FSIZE). Takes nothing but
 * the program prlimit.
 */
const limitedFiles: DiskKind = {
  name: 'files that may not grow',
  words: /File too large/,
  canMove: false,
  missing() {
    try {
      run('prlimit', '--pid', String(process.pid), '--fsize');
      return undefined;
    } catch {
      return 'there is no program prlimit';
    }
  },
  async make() {
    const dir = temporaryFolder('disk');
    const [port = 0] = await ownPorts(1);
    const postgres = await startPostgres({ dir: join(dir, 'postgres'), port, logFile: join(dir, 'log') });
    const postgresUrl = postgres.url('postgres');
    let bytes = 0;
    const limit = async (soft: string) => {
      const { pid } = postgres.child.record;
      const backends = await withAdmin(postgresUrl, async (admin) => {
        // First the one that starts the others, so that none is left out.
        limitFiles(pid, soft);
        return (await admin.query<{ pid: number }>('select pid from pg_stat_activity')).rows;
      });
      for (const backend of backends) {
        try {
          limitFiles(backend.pid, soft);
        } catch {
          // It has just ended.
        }
      }
    };
    return {
      postgresUrl,
      async keep(db, tables) {
        for (const table of tables) {
          if (table === 'campaign_audit') throw new Error(`${table} cannot be made long`);
          await db.execute(sql.raw(`alter table ${table} alter ${longColumns[table]} set storage plain`));
          await db.execute(sql.raw(longRows[table]));
          const { rows } = await db.execute<{ bytes: string }>(
            sql`select pg_relation_size(${table}::regclass) as bytes`,
          );
          bytes = Math.max(bytes, Number(rows[0]?.bytes));
        }
      },
      fill: async () => await limit(String(bytes)),
      free: async () => await limit('unlimited'),
      async close() {
        await limit('unlimited');
        await postgres.stop();
        rmSync(dir, { recursive: true, force: true });
      },
    };
  },
};

/** One row a page, of a campaign that does not exist, which leaves no room for another row. */
const longRows = {
  dispatch_outcome: `insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, reply, at)
    select 'long', n, 0, 0, '', 'sent', repeat('x', 8000), now() from generate_series(1, ${longTablePages}) n`,
  dispatch_queue: `insert into dispatch_queue (campaign_id, position, contact_id, language)
    select 'long', n, 0, repeat('x', 8080) from generate_series(1, ${longTablePages}) n`,
};

export const diskKinds: readonly DiskKind[] = [smallFileSystem, limitedFiles];

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: 'pipe' });
}

/** As the account that the process runs under: root may not do it everywhere. */
function limitFiles(pid: number, soft: string): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${soft}:`], {
    stdio: 'pipe',
    ...(postgresAccount() ?? {}),
  });
}

function mount(dir: string): void {
  run('mount', '-t', 'tmpfs', '-o', 'size=2m,mode=711', 'tmpfs', dir);
}

/** Writes until there is no room any more. */
function fillUp(file: string): void {
  const handle = openSync(file, 'a');
  try {
    for (const size of [65_536, 4_096]) {
      try {
        for (;;) writeSync(handle, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(handle);
  }
}
