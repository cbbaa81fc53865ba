import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import type { Database } from '../../db/connect.ts';
import type { PositionRange } from '../../domain/batch-plan.ts';
import type { DispatchWord } from '../../domain/campaign-state.ts';
import { UnavailableError } from '../../domain/errors.ts';
import { leaveAnnouncedInDoubt } from './leave-in-doubt.ts';

export interface TakeLease {
  readonly campaignId: string;
  readonly batch: number;
  readonly range: PositionRange;
  readonly server: string;
  /** The activity's attempt, which is the fencing token. */
  readonly attempt: number;
}

/**
 * How long a holder that lives is waited for, milliseconds. It hears with its next flush that its batch is wanted, and
 * hands it back with the answer to its message; who takes longer over that is shut out.
 */
const handBackMs = 3_000;
/** A holder that was not heard of for so long, milliseconds, cannot hear either. Two signs of life. */
const silentMs = 5_000;
const lookIntervalMs = 50;

/**
 * Where the batch, or one that reaches into its range, was not ended: asks for it, and where its holder lives (Temporal
 * was away for longer than a heartbeat may take) waits for the message on the wire to be recorded, so that nobody is
 * sent to again.
 *
 * @returns whether it is taken from somebody
 */
export async function untilHandedBack(
  db: Database,
  { campaignId, batch, range, attempt }: Omit<TakeLease, 'server'>,
): Promise<boolean> {
  const { rows } = await db.execute<{ batch: number; lives: boolean }>(sql`
    with asked as (
      select batch from dispatch_batch
       where campaign_id = ${campaignId} and ended_at is null
         and (batch = ${batch} and lease < ${attempt}
              or batch <> ${batch} and first <= ${range.last} and last >= ${range.first})
       order by batch for update
    )
    update dispatch_batch b set wanted = true from asked
     where b.campaign_id = ${campaignId} and b.batch = asked.batch
    returning b.batch, exists (select from server s where s.name = b.server and s.stopped_at is null
                                and s.seen_at > now() - ${silentMs} * interval '1 ms') as lives`);
  const asked = sql.param(rows.filter(({ lives }) => lives).map((row) => row.batch));
  const until = performance.now() + handBackMs;
  while (asked.value.length > 0 && performance.now() < until) {
    await delay(lookIntervalMs);
    const { rows: left } = await db.execute(sql`
      select from dispatch_batch
       where campaign_id = ${campaignId} and batch = any(${asked}::int[]) and ended_at is null and wanted limit 1`);
    if (left.length === 0) break;
  }
  return rows.length > 0;
}

/**
 * Takes a batch for this server. The lease is the attempt's number: whoever held the batch by an earlier attempt is
 * shut out from this moment on, and an earlier attempt that wakes up late gets nothing. So is whoever holds another
 * batch that reaches into this range, which only a run that was ended from outside can have left. The counts of an
 * earlier attempt stay, for its outcomes do.
 *
 * @throws UnavailableError where a later attempt has the batch
 */
export async function takeLease(
  db: Database,
  { campaignId, batch, range, server, attempt }: TakeLease,
): Promise<{ word: DispatchWord }> {
  return await db.transaction(async (tx) => {
    await leaveAnnouncedInDoubt(tx, campaignId, range, batch);
    await tx.execute(sql`
      update dispatch_batch set ended_at = now()
       where campaign_id = ${campaignId} and batch <> ${batch} and ended_at is null
         and first <= ${range.last} and last >= ${range.first}`);
    const { rows } = await tx.execute<{ word: DispatchWord }>(sql`
      insert into dispatch_batch as b (campaign_id, batch, first, last, lease, server)
      values (${campaignId}, ${batch}, ${range.first}, ${range.last}, ${attempt}, ${server})
      on conflict (campaign_id, batch) do update
         set lease = excluded.lease, server = excluded.server, first = excluded.first, last = excluded.last,
             leased_at = now(), ended_at = null, wanted = false
       where excluded.lease > b.lease
      returning (select word from campaign where id = b.campaign_id) as word`);
    const row = rows[0];
    if (row === undefined) throw new UnavailableError('LEASE_LOST', 'The batch is in other hands now.');
    return row;
  });
}
