import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { closeDatabase, connectDatabase } from '../../src/db/connect.ts';
import { server } from '../../src/db/schema.ts';
import { isTransient } from '../../src/db/transient.ts';
import { useTestDatabase } from '../support/database.ts';
import { silentDatabase } from '../support/silent-database.ts';
import { startWire } from '../support/wire.ts';

const database = useTestDatabase();

it('gives up a connection that fell silent when the answer to a query takes too long, and takes another', async () => {
  const wire = await silentDatabase(database.url, { queryTimeoutMs: 5_000 });
  await wire.db.execute(sql`select 1`);
  wire.fallSilent();
  const silent = wire.db.execute(sql`select 1`);
  await expect(silent).rejects.toSatisfy(isTransient);
  const { rows } = await wire.db.execute(sql`select 2 as two`);
  expect(rows).toEqual([{ two: 2 }]);
  await wire.close();
});

describe('a transaction', () => {
  it('takes no connection of the pool with it when the database goes as it begins', async () => {
    const { host } = new URL(database.url);
    const wire = await startWire(host);
    const url = new URL(database.url);
    url.host = wire.address;
    const db = connectDatabase(url.href, { applicationName: 'test', max: 2 });
    await db.execute(sql`select 1`);
    expect(db.$client.totalCount).toBe(1);
    const closed = wire.close();
    // The connection is broken, and the pool has not heard of it yet.
    await expect(db.transaction(async (tx) => await tx.execute(sql`select 1`))).rejects.toThrow();
    await closed;
    expect(db.$client.totalCount).toBe(0);
    await closeDatabase(db);
  });

  it('keeps a connection that it could roll back on', async () => {
    const db = connectDatabase(database.url, { applicationName: 'test', max: 1 });
    const pid = async () =>
      (await db.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)).rows[0]?.pid;
    const before = await pid();
    const refused = db.transaction(async (tx) => {
      await tx.execute(sql`create table gone_again ()`);
      throw new Error('refused');
    });
    await expect(refused).rejects.toThrow('refused');
    expect(await pid()).toBe(before);
    const { rows } = await db.execute(sql`select from pg_class where relname = 'gone_again'`);
    expect(rows).toEqual([]);
    await closeDatabase(db);
  });

  it('says what went wrong in it also where the rollback fails because of that', async () => {
    const db = connectDatabase(database.url, { applicationName: 'test', max: 1 });
    const ended = db.transaction(async (tx) => {
      await tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`);
    });
    await expect(ended).rejects.toMatchObject({ cause: { code: '57P01' } });
    await closeDatabase(db);
  });

  it('of a process that was frozen in it holds nobody up for longer than it may be idle', async () => {
    const db = connectDatabase(database.url, { applicationName: 'test', max: 2, idleInTransactionMs: 2_000 });
    await db.insert(server).values({ name: 'one', role: 'primary', host: 'here', pid: 1 });
    const rename = sql`update server set host = host where name = 'one'`;
    let isHeld: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      isHeld = resolve;
    });
    let thaw: () => void = () => undefined;
    const thawed = new Promise<void>((resolve) => {
      thaw = resolve;
    });
    const frozen = db
      .transaction(async (tx) => {
        await tx.execute(rename);
        isHeld();
        await thawed;
        await tx.execute(rename);
      })
      .catch((error: unknown) => error);
    await held;
    await db.execute(rename);
    thaw();
    expect(await frozen).toBeInstanceOf(Error);
    await closeDatabase(db);
  });
});
