import { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { importOptOuts } from '../../../src/contacts/import/import-opt-outs.ts';
import { removeList } from '../../../src/contacts/lists/list-use.ts';
import { createList } from '../../../src/contacts/lists/lists.ts';
import type { Database } from '../../../src/db/connect.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { waitingForLocks } from '../../support/waiting-for-locks.ts';

const database = useTestDatabase();

const optOutFile = (list: string, ...names: string[]) =>
  Readable.from(`email,list\n${names.map((name) => `${name}@example.com,${list}\n`).join('')}`);

async function optOutsOf(db: Database, list: string): Promise<number> {
  const { rows } = await db.execute<{ count: number }>(
    sql`select count(*)::int as count from list_opt_out join contact_list l on l.id = list_id where name = ${list}`,
  );
  return rows[0]?.count ?? 0;
}

/** A file that is being read: opt-outs of the list stand in its first part. */
async function halfRead(db: Database, list: string) {
  const file = new Readable({ read: () => undefined });
  const rows = Array.from({ length: 5_000 }, (_, n) => `of-${list}-${n}@example.com,${list}`);
  file.push(`email,list\n${rows.join('\n')}\n`);
  const entered = importOptOuts(db, file, { reason: 'file' });
  entered.catch(() => undefined);
  await waitFor(async () => {
    const { rows: transactions } = await db.execute(
      sql`select from pg_stat_activity where datname = current_database() and state like 'idle in%'`,
    );
    return transactions.length > 0;
  });
  const end = (rest: string) => {
    file.push(rest);
    file.push(null);
  };
  return { entered, end };
}

it('a file of opt-outs whose list is removed while it is read is refused as a whole, in words', async () => {
  const { db } = database;
  await createList(db, 'kept');
  await createList(db, 'removed');
  const { entered, end } = await halfRead(db, 'kept');
  await removeList(db, 'removed');
  end('someone@example.com,removed\n');
  await expect(entered).rejects.toMatchObject({
    code: 'LIST_UNKNOWN',
    message: 'The list "removed" was removed while the file was read.',
  });
  expect(await optOutsOf(db, 'kept')).toBe(0);
});

it('the removal of a list waits for a file of opt-outs, which does not wait for it in turn', async () => {
  const { db } = database;
  await createList(db, 'busy');
  await importOptOuts(db, optOutFile('busy', 'ann', 'bob'), { reason: 'earlier' });
  // So that the file stands at its second row when the removal comes.
  const holder = await database.db.$client.connect();
  await holder.query('begin');
  await holder.query(`select from list_opt_out where email_key = 'bob@example.com' for update`);
  const entered = importOptOuts(db, optOutFile('busy', 'ann', 'bob', 'carol'), { reason: 'again' });
  const ends: Promise<unknown>[] = [entered];
  try {
    await waitFor(async () => (await waitingForLocks(db)) === 1);
    const removed = removeList(db, 'busy', { withOptOuts: true });
    ends.push(removed);
    await waitFor(async () => (await waitingForLocks(db)) === 2);
  } finally {
    await holder.query('rollback');
    holder.release();
  }
  expect(await Promise.allSettled(ends)).toMatchObject([
    { status: 'fulfilled', value: { read: 3, added: 1 } },
    { status: 'fulfilled' },
  ]);
  expect(await optOutsOf(db, 'busy')).toBe(0);
});

it('a file of opt-outs leaves out a list that was made while it was read and is being removed', async () => {
  const { db } = database;
  await createList(db, 'known');
  const { entered, end } = await halfRead(db, 'known');
  const { id } = await createList(db, 'short-lived');
  const remover = await db.$client.connect();
  await remover.query('begin');
  try {
    await remover.query('select from contact_list where id = $1 for update', [id]);
    end('someone@example.com,*\n');
    await waitFor(async () => (await waitingForLocks(db)) === 1);
    await remover.query('delete from contact_list where id = $1', [id]);
    await remover.query('commit');
  } finally {
    await remover.query('rollback');
    remover.release();
  }
  expect(await entered).toMatchObject({ read: 5_001, added: 5_001 });
});
