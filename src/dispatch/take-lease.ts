import { sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import type { PositionRange } from '../domain/batch-plan.ts';
import type { DispatchWord } from '../domain/campaign-state.ts';
import { UnavailableError } from '../domain/errors.ts';

export interface TakeLease {
  readonly campaignId: string;
  readonly batch: number;
  readonly range: PositionRange;
  readonly server: string;
  /** The activity's attempt, which is the fencing token. */
  readonly attempt: number;
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
    await tx.execute(sql`
      update dispatch_batch set ended_at = now()
       where campaign_id = ${campaignId} and batch <> ${batch} and ended_at is null
         and first <= ${range.last} and last >= ${range.first}`);
    const { rows } = await tx.execute<{ word: DispatchWord }>(sql`
      insert into dispatch_batch as b (campaign_id, batch, first, last, lease, server)
      values (${campaignId}, ${batch}, ${range.first}, ${range.last}, ${attempt}, ${server})
      on conflict (campaign_id, batch) do update
         set lease = excluded.lease, server = excluded.server, first = excluded.first, last = excluded.last,
             leased_at = now(), ended_at = null
       where excluded.lease > b.lease
      returning (select word from campaign where id = b.campaign_id) as word`);
    const row = rows[0];
    if (row === undefined) throw new UnavailableError('LEASE_LOST', 'The batch is in other hands now.');
    return row;
  });
}
