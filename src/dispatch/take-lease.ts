import { sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import type { PositionRange } from '../domain/batch-plan.ts';
import type { DispatchWord } from '../domain/campaign-state.ts';

export interface TakeLease {
  readonly campaignId: string;
  readonly batch: number;
  readonly range: PositionRange;
  readonly server: string;
}

/**
 * Takes a batch for this server. The lease goes up by one, which shuts out whoever held it before: from this moment
 * their flushes are refused. The counts of an earlier attempt stay, for its outcomes do.
 */
export async function takeLease(
  db: Database,
  { campaignId, batch, range, server }: TakeLease,
): Promise<{ lease: number; word: DispatchWord }> {
  const { rows } = await db.execute<{ lease: number; word: DispatchWord }>(sql`
    insert into dispatch_batch as b (campaign_id, batch, first, last, lease, server)
    values (${campaignId}, ${batch}, ${range.first}, ${range.last}, 1, ${server})
    on conflict (campaign_id, batch) do update
       set lease = b.lease + 1, server = excluded.server, leased_at = now(), ended_at = null
    returning b.lease, (select word from campaign where id = b.campaign_id) as word`);
  const row = rows[0];
  if (row === undefined) throw new Error(`the lease of batch ${batch} was not returned`);
  return row;
}
