import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';

/** A recipient whose message was handed over without a reply reaching us. */
export interface RecipientInDoubt {
  readonly position: number;
  readonly contactId: number;
  /** Null where the contact was erased since. */
  readonly email: string | null;
  readonly batch: number;
  readonly server: string;
  readonly at: string;
  readonly reason: string | null;
}

/** Rows held at a time. */
const pageSize = 1_000;

/**
 * Everybody in doubt, in the order of their positions, page by page: there may be a million of them, and whoever reads
 * them may take hours. So it is no snapshot, which the database would have to keep for as long.
 */
export async function* recipientsInDoubt(
  db: Queries,
  campaignId: string,
): AsyncGenerator<RecipientInDoubt[]> {
  for (let after = 0; ; ) {
    const { rows } = await db.execute<
      Omit<RecipientInDoubt, 'at'> & { at: string } & Record<string, unknown>
    >(sql`
      select o.position, o.contact_id::float8 as "contactId", contact.email, o.batch, o.server, o.at, o.reason
        from dispatch_outcome o left join contact on contact.id = o.contact_id
       where o.campaign_id = ${campaignId} and o.position > ${after} and o.kind = 'in_doubt'
       order by o.position limit ${pageSize}`);
    if (rows.length > 0) yield rows.map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
    if (rows.length < pageSize) return;
    after = rows.at(-1)?.position ?? after;
  }
}
