import { sql } from 'drizzle-orm';
import { afterAll, describe, expect, it } from 'vitest';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import { closeDatabase, connectDatabase } from '../../../src/db/connect.ts';
import { readRecipients } from '../../../src/dispatch/read-recipients.ts';
import { createTestDatabase } from '../../support/database.ts';
import { insertCampaign, quietZone } from '../fixtures.ts';

const database = await createTestDatabase();
// One connection, so that what it has counted can be asked for at once.
const db = connectDatabase(database.url, { applicationName: 'exm test', max: 1 });
afterAll(async () => {
  await closeDatabase(db);
  await database.drop();
});

const members = 20_000;
const otherLists = 200;

/** One list with half of all contacts, and many small ones that share the other half: on average a list is small. */
async function insertLopsidedLists(): Promise<number> {
  await db.execute(sql`
    insert into contact (email, email_key)
    select address, address from generate_series(1, ${2 * members}::int) n, lateral (select n || '@example.com' as address) a`);
  await db.execute(
    sql`insert into contact_list (name) select 'list ' || n from generate_series(0, ${otherLists}::int) n`,
  );
  await db.execute(sql`
    insert into list_member (list_id, contact_id)
    select list.id, contact.id
      from (select id, row_number() over (order by id) as number from contact) contact
      join contact_list list on list.name = 'list ' || case when number <= ${members}::int then 0 else 1 + number % ${otherLists}::int end`);
  await db.execute(sql`analyze contact, contact_list, list_member`);
  const { rows } = await db.execute<{ id: number }>(sql`select id from contact_list where name = 'list 0'`);
  return rows[0]?.id ?? 0;
}

/** How often something was looked up by an index, in all tables that decide about a contact. */
async function lookUps(): Promise<number> {
  await db.execute(sql`select pg_stat_force_next_flush()`);
  const { rows } = await db.execute<{ count: number }>(sql`
    select sum(idx_scan)::int as count from pg_stat_user_tables
     where relname in ('contact', 'list_member', 'list_opt_out', 'global_opt_out', 'suppression')`);
  return rows[0]?.count ?? 0;
}

describe('queueing a campaign to a list that is larger than most', () => {
  it('goes through the contacts, and does not look up each by itself', async () => {
    const list = await insertLopsidedLists();
    const id = await insertCampaign(db, { include: [list] });
    const before = await lookUps();
    const { queued } = await queueMessage(db, id, {
      undeliveredMaximum: 5,
      checkSuppressionList: true,
      languages: ['en'],
      defaultLanguage: 'en',
    });
    expect(queued).toBe(members);
    expect((await lookUps()) - before).toBeLessThan(members / 100);
  });
});

describe('sending where send limits are set', () => {
  it('looks up the group in the queues of other campaigns, and reads none of them as a whole', async () => {
    const sent = 4;
    for (let i = 0; i < sent; i++) {
      const other = await insertCampaign(db, {});
      await db.execute(sql`update campaign set state = 'Sending', queued = ${members} where id = ${other}`);
      await db.execute(sql`
        insert into dispatch_queue (campaign_id, position, contact_id, language)
        select ${other}, row_number() over (order by id), id, 'en' from contact order by id limit ${members}`);
      await db.execute(sql`
        insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at)
        select campaign_id, position, contact_id, 1, 'd1', 'sent', now() from dispatch_queue
         where campaign_id = ${other} and position % 2 = ${i % 2}`);
    }
    const id = await insertCampaign(db, {});
    await db.execute(sql`
      insert into dispatch_queue (campaign_id, position, contact_id, language)
      select ${id}, row_number() over (order by id), id, 'en' from contact order by id limit ${members}`);
    await db.execute(sql`analyze dispatch_queue, dispatch_outcome, campaign`);
    const before = await rowsRead();
    const range = { first: 1, last: members };
    const limits = { day: sent, timeZone: quietZone };
    const group = await readRecipients(db, id, range, 100, {
      undeliveredMaximum: 5,
      checkSuppressionList: true,
      sendLimits: limits,
    });
    expect(group.map(({ exclusion }) => exclusion)).toEqual(Array.from({ length: 100 }, () => 'send-limit'));
    expect((await rowsRead()) - before).toBe(0);
  });
});

describe('sending where many have changed their address', () => {
  it('looks up the group alone, also where the history has no statistics yet', async () => {
    await db.execute(sql`
      insert into email_address_history (contact_id, email, email_key, used_from)
      select id, 'was.' || email, 'was.' || email, now() - interval '1 year' from contact`);
    const id = await insertCampaign(db, {});
    await db.execute(sql`
      insert into dispatch_queue (campaign_id, position, contact_id, language)
      select ${id}, row_number() over (order by id), id, 'en' from contact order by id limit ${members}`);
    const before = await peopleRead();
    const settings = { undeliveredMaximum: 5, checkSuppressionList: true };
    expect(await readRecipients(db, id, { first: 1, last: members }, 100, settings)).toHaveLength(100);
    expect((await peopleRead()) - before).toBeLessThan(members / 10);
  });
});

/** Rows of contacts and of their earlier addresses that were read. */
async function peopleRead(): Promise<number> {
  await db.execute(sql`select pg_stat_force_next_flush()`);
  const { rows } = await db.execute<{ count: number }>(sql`
    select sum(seq_tup_read + idx_tup_fetch)::int as count from pg_stat_user_tables
     where relname in ('contact', 'email_address_history')`);
  return rows[0]?.count ?? 0;
}

/** Rows of queues and the ledger that were read by going through a table. */
async function rowsRead(): Promise<number> {
  await db.execute(sql`select pg_stat_force_next_flush()`);
  const { rows } = await db.execute<{ count: number }>(sql`
    select sum(seq_tup_read)::int as count from pg_stat_user_tables
     where relname in ('dispatch_queue', 'dispatch_outcome')`);
  return rows[0]?.count ?? 0;
}
