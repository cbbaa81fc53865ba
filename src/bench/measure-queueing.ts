import { sql } from 'drizzle-orm';
import { queueMessage } from '../contacts/audience/queue-message.ts';
import type { Database } from '../db/connect.ts';
import { byTurns, secondsOf } from './by-turns.ts';
import { emptyDatabase } from './campaign.ts';
import { builtInReasons, makeAudience } from './excluded-audience.ts';
import type { Measurement } from './measurement.ts';

const contacts = 1_000_000;
/** With fewer, not every exclusion is met. */
const contactsMinimum = 10_000;
const turns = 3;
const ratioMaximum = 2;
const bareTable = sql.identifier('bench_queue');

const settings = {
  undeliveredMaximum: 5,
  checkSuppressionList: true,
  languages: ['en', 'de'],
  defaultLanguage: 'en',
} as const;

/** QueueMessage, which decides about every contact, against writing as many rows and nothing else. */
export const queueing: Measurement = {
  name: 'queueing',
  about: 'a million contacts into the dispatch queue, each kind of exclusion among them',
  async run(stage) {
    const db = await stage.database();
    const count = Math.max(contactsMinimum, stage.size(contacts));
    await emptyDatabase(db);
    stage.tell(`Making ${count} contacts`);
    const campaignId = await makeAudience(db, count);
    let queued = 0;
    const ours = async () => {
      stage.signal.throwIfAborted();
      await beforeTurn(db, campaignId);
      return await secondsOf(async () => {
        const counts = await queueMessage(db, campaignId, settings);
        requireEveryExclusion(Object.keys(counts.excluded));
        queued = counts.queued;
      });
    };
    const theirs = async () => {
      stage.signal.throwIfAborted();
      await beforeTurn(db, campaignId);
      return await secondsOf(async () => await insertBare(db, queued));
    };
    await db.execute(sql`drop table if exists ${bareTable}`);
    await db.execute(sql`create table ${bareTable} (like dispatch_queue including all)`);
    const memoryBefore = process.memoryUsage.rss();
    try {
      const seconds = await byTurns(turns, ours, theirs);
      const memoryMb = Math.max(0, process.memoryUsage.rss() - memoryBefore) / 1e6;
      return [
        {
          what: `queueing, ${count} contacts`,
          value: seconds.ours,
          unit: 's',
          against: { what: `one INSERT ... SELECT of ${queued} rows`, value: seconds.theirs },
          ratio: seconds.ours / seconds.theirs,
          goal: { of: 'ratio', atMost: ratioMaximum },
          note: `median of ${turns}, by turns; ${queued} queued, all ${builtInReasons.length} reasons of an exclusion met`,
        },
        {
          what: 'memory that the queueing process grew by',
          value: memoryMb,
          unit: 'MB',
          goal: { of: 'value', atMost: 50 },
          note: 'the work is done by one statement, in PostgreSQL',
        },
      ];
    } finally {
      await db.execute(sql`drop table ${bareTable}`);
      await emptyDatabase(db);
    }
  },
};

/** An empty queue, and nothing left to be written of what went before. */
async function beforeTurn(db: Database, campaignId: string): Promise<void> {
  await db.execute(sql`update campaign set queued = null where id = ${campaignId}`);
  await db.execute(sql`truncate dispatch_queue, dispatch_exclusion, ${bareTable}`);
  await db.execute(sql`checkpoint`);
}

/** The same columns, keys and indexes, in the same order; nobody is looked at. */
async function insertBare(db: Database, rows: number): Promise<void> {
  await db.execute(sql`
    insert into ${bareTable} (campaign_id, position, contact_id, variant, language)
    select 'bench-queueing', row_number() over (order by id), id, 0, 'en' from contact order by id limit ${rows}`);
}

/** Without one of the reasons the figure would be that of an easier question. */
function requireEveryExclusion(met: readonly string[]): void {
  const missing = builtInReasons.filter((reason) => !met.includes(reason));
  if (missing.length > 0)
    throw new Error(`the contacts of the bench lack an exclusion: ${missing.join(', ')}`);
}
