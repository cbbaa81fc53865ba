import { type SQL, sql } from 'drizzle-orm';

/**
 * Whether a recipient, a row with `campaign_id` and `position`, has no outcome yet: a look-up by the primary key.
 *
 * A scalar subquery, which is never joined. NOT EXISTS is, and where the database's statistics do not know the campaign
 * (the one before was analysed, this one not yet) the planner expects a single row of it in the ledger and walks through
 * all of them for each recipient: measured 4 s to read 100 recipients behind 30,000 outcomes.
 */
export function hasNoOutcome(recipient: SQL): SQL {
  return sql`(select true from dispatch_outcome o
               where o.campaign_id = ${recipient}.campaign_id and o.position = ${recipient}.position) is null`;
}
