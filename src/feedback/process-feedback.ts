import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../db/connect.ts';
import { isTransient } from '../db/transient.ts';
import { messageOf } from '../domain/error-message.ts';
import { type Judgement, type JudgeOptions, judgeFeedback, type StoredMessage } from './judge-feedback.ts';
import { PutOff } from './put-off.ts';

type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Bytes of messages that are read in one transaction. */
const groupBytes = 4_194_304;

/**
 * Finds out what up to `limit` messages that came back say, oldest first, in one transaction: each is new, or its events are in
 * the inbox, whatever dies meanwhile. Any number of processes may do it at once.
 *
 * @param putOff those that are passed over for now; one that cannot be dealt with at the moment is added, and ends the group
 * @returns how many it looked at; 0 where there are none, or others have them in hand
 */
export async function processFeedback(
  db: Database,
  limit: number,
  options: JudgeOptions,
  putOff = new PutOff(),
): Promise<{ processed: number }> {
  return await db.transaction(async (tx) => {
    const ids = await claim(tx, limit, putOff.ids());
    for (const [index, id] of ids.entries()) {
      const message = await read(tx, id);
      if (message === undefined) continue;
      try {
        await judgeOne(db, tx, id, message, options);
      } catch (error) {
        // Where the database itself is away, what was done before cannot be committed either, and that is told.
        if (!isTransient(error)) throw error;
        putOff.add(id);
        return { processed: index };
      }
    }
    return { processed: ids.length };
  });
}

/** What the database refuses for good must not hold up the others: it waits for a person. */
async function judgeOne(
  db: Database,
  tx: Transaction,
  id: string,
  message: StoredMessage,
  options: JudgeOptions,
): Promise<void> {
  try {
    await tx.transaction(async (inner) => {
      await record(inner, id, message.receivedAt, await judgeFeedback(db, inner, message, options));
    });
  } catch (error) {
    if (isTransient(error)) throw error;
    const why = `it could not be entered: ${messageOf(error)}`.slice(0, 500);
    await record(tx, id, message.receivedAt, { state: 'unclear', verdict: why, events: [] });
  }
}

async function claim(tx: Queries, limit: number, but: readonly string[]): Promise<string[]> {
  const { rows } = await tx.execute<{ id: string; bytes: number }>(sql`
    select id, coalesce(octet_length(raw), 0) as bytes from feedback
     where state = 'new' and id <> all(${sql.param([...but])}::bigint[]) order by id limit ${limit} for update skip locked`);
  let sum = 0;
  return rows
    .filter(({ bytes }, index) => {
      sum += bytes;
      return index === 0 || sum <= groupBytes;
    })
    .map(({ id }) => id);
}

async function read(tx: Queries, id: string) {
  const { rows } = await tx.execute<{ envelopeTo: string; raw: Buffer; receivedAt: string }>(sql`
    select envelope_to as "envelopeTo", coalesce(raw, '') as raw, received_at::text as "receivedAt"
      from feedback where id = ${id}`);
  const [row] = rows;
  return row && { ...row, receivedAt: new Date(row.receivedAt) };
}

/** Enters what follows, once: what was understood needs to be kept no longer. */
async function record(
  tx: Queries,
  id: string,
  receivedAt: Date,
  { state, verdict, events }: Judgement,
): Promise<void> {
  for (const { type, about, detail } of events) {
    await tx.execute(sql`
      insert into event_inbox (type, campaign_id, position, contact_id, detail, at)
      values (${type}, ${about.campaignId}, ${about.position}, ${about.contactId}, ${JSON.stringify(detail)}::jsonb,
              ${receivedAt.toISOString()}::timestamptz)`);
  }
  await tx.execute(sql`
    update feedback
       set state = ${state}, verdict = ${verdict}, processed_at = now(),
           raw = case when ${state} = 'unclear' then raw end,
           envelope_from = case when ${state} = 'unclear' then envelope_from else '' end
     where id = ${id}`);
}
