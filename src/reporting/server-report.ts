import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { holderState, type ServerState } from '../db/server-presence.ts';

/** What one server did for a campaign. */
export interface ServerReport {
  readonly name: string;
  readonly sent: number;
  readonly failed: number;
  readonly skipped: number;
  readonly inDoubt: number;
  /** Its Sleep as it is set now, milliseconds; null where the server is not known any more. */
  readonly sleepMs: number | null;
  readonly presence: ServerState;
}

/**
 * The servers of a campaign, by name. While it is dispatched this follows the batches, of which one that changed
 * hands counts for its last holder; once it has ended it is counted in the ledger, which knows each message's server.
 */
export async function serverReports(
  db: Queries,
  campaignId: string,
  options: { readonly ended: boolean },
): Promise<ServerReport[]> {
  const { rows } = await db.execute<ServerReport & Record<string, unknown>>(sql`
    select share.*, server.sleep_ms as "sleepMs",
           ${holderState} as presence
      from (${options.ended ? fromLedger(campaignId) : fromBatches(campaignId)}) as share
      left join server on server.name = share.name
     order by share.name`);
  return rows;
}

function fromBatches(campaignId: string): SQL {
  return sql`
    select server as name, sum(sent)::int as "sent", sum(failed)::int as "failed", sum(skipped)::int as "skipped",
           sum(in_doubt)::int as "inDoubt"
      from dispatch_batch where campaign_id = ${campaignId} group by server`;
}

function fromLedger(campaignId: string): SQL {
  return sql`
    select server as name, count(*) filter (where kind = 'sent')::int as "sent",
           count(*) filter (where kind = 'failed')::int as "failed",
           count(*) filter (where kind = 'skipped')::int as "skipped",
           count(*) filter (where kind = 'in_doubt')::int as "inDoubt"
      from dispatch_outcome where campaign_id = ${campaignId} and kind <> 'cancelled' group by server`;
}
