import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { campaignStatus } from '../../src/campaigns/campaign-status.ts';
import { closeDatabase, connectDatabase, type Database } from '../../src/db/connect.ts';
import { enterJournal } from '../../src/dispatch/journal/enter-journal.ts';
import type { JournalEntry } from '../../src/dispatch/journal/journal-lines.ts';
import { leaveAnnouncedInDoubt } from '../../src/dispatch/ledger/leave-in-doubt.ts';
import { planRemaining } from '../../src/dispatch/ledger/plan-remaining.ts';
import { readRecipients } from '../../src/dispatch/read-recipients.ts';
import { auditedBooks } from '../../src/reporting/books.ts';
import { campaignAuditOf } from '../../src/reporting/campaign-audit.ts';
import { insertCampaign } from '../contacts/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const queued = 3_000;
const done = 2_900;
const database = useTestDatabase();
/** A single connection, so that what it has read is counted once it says so. */
let db: Database;
let id: string;

/** A campaign whose recipients have outcomes, but for the last ones, half of whom were put off. */
async function fill(): Promise<string> {
  const campaignId = await insertCampaign(db, {});
  await db.execute(sql`
    update campaign set queued = ${queued}, definition = '{"pool": "default"}' where id = ${campaignId}`);
  await db.execute(sql`
    insert into dispatch_queue (campaign_id, position, contact_id, language)
    select ${campaignId}, n, n, 'en' from generate_series(1, ${queued}::int) n`);
  await db.execute(sql`
    insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at)
    select ${campaignId}, n, n, 1, 'd1', 'sent', now() from generate_series(1, ${done}::int) n`);
  await db.execute(sql`
    insert into dispatch_deferral (campaign_id, position, attempts, first_at, due_at, reply)
    select ${campaignId}, n, 1, now(), now(), '451' from generate_series(${done}::int + 1, ${done}::int + 50) n`);
  return campaignId;
}

beforeAll(async () => {
  db = connectDatabase(database.url, { applicationName: 'exm test', max: 1 });
  await fill();
  await db.execute(sql`analyze`);
  // As any further campaign begins: the statistics know the one before it alone.
  id = await fill();
  await db.execute(sql`
    insert into dispatch_batch (campaign_id, batch, first, last, lease, server, announced_first, announced_last, announced_at)
    values (${id}, 1, 1, ${queued}, 1, 'd1', 1, 20, now())`);
});
afterAll(async () => {
  await closeDatabase(db);
});

/** Rows and index entries that were read of the tables with a row per recipient. */
async function entriesRead(): Promise<number> {
  await db.execute(sql`select pg_stat_force_next_flush()`);
  const { rows } = await db.execute<{ read: number }>(sql`
    select (sum(seq_tup_read) + sum(idx_tup_fetch)
            + (select sum(idx_tup_read) from pg_stat_user_indexes where relname like 'dispatch\_%'))::float8 as read
      from pg_stat_user_tables where relname like 'dispatch\_%'`);
  return rows[0]?.read ?? 0;
}

/** What a dispatcher that was killed knows: half of it stands in the books already. */
const journalOf = (count: number): JournalEntry[] =>
  Array.from({ length: count }, (_, index) => ({
    type: 'outcome',
    campaignId: id,
    batch: 1,
    lease: 1,
    position: done - count / 2 + index + 1,
    contactId: done - count / 2 + index + 1,
    outcome: { kind: 'sent', reply: '250 ok', messageId: `<${index}@x>` },
    at: new Date(),
  }));

const settings = { undeliveredMaximum: 5, checkSuppressionList: true };

it.each<[string, () => Promise<unknown>]>([
  ['reading the next recipients', () => readRecipients(db, id, { first: 1, last: queued }, 100, settings)],
  ['planning what remains', () => planRemaining(db, id)],
  ['auditing the books', () => auditedBooks(db, id)],
  ['auditing the campaign', () => campaignAuditOf(db, id)],
  ['showing the status', () => campaignStatus(db, id)],
  ['entering a journal', () => enterJournal(db, journalOf(40), { server: 'd1', isOver: true })],
  ['leaving a group in doubt', () => leaveAnnouncedInDoubt(db, id, { first: 1, last: queued })],
])('%s looks at each row a few times, also of a campaign that the statistics do not know', async (_, run) => {
  const before = await entriesRead();
  await run();
  expect((await entriesRead()) - before).toBeLessThan(50 * queued);
});

it('a group is read without its whole range, also of a campaign that the statistics know', async () => {
  const campaignId = await insertCampaign(db, {});
  await db.execute(sql`
    insert into dispatch_queue (campaign_id, position, contact_id, language)
    select ${campaignId}, n, n, 'en' from generate_series(1, ${queued}::int) n`);
  await db.execute(sql`analyze`);
  const before = await entriesRead();
  expect(await readRecipients(db, campaignId, { first: 1, last: queued }, 100, settings)).toHaveLength(100);
  expect((await entriesRead()) - before).toBeLessThan(queued);
});
