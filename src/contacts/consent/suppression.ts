import { and, asc, count, eq, gt, type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { contact, suppression } from '../../db/schema.ts';
import type { ExclusionReason } from '../../domain/outcome.ts';
import type { SuppressionCause } from '../../domain/suppression.ts';
import { givenAddress } from '../addresses/given-address.ts';
import { judgeAddress } from '../audience/audience.ts';
import { type ExclusionSettings, everyExclusion, exclusionJoins } from '../audience/exclusion.ts';
import { checkReason } from './opt-out.ts';
import { putOnSuppressionList } from './put-on-suppression-list.ts';
import { refusalsOf, type SuppressionEntry } from './refusals.ts';

export interface SuppressionState {
  readonly email: string;
  readonly suppressed: boolean;
  /** False where it was so before. */
  readonly changed: boolean;
  /** Since when and why the address is on the list; null where it is not. */
  readonly entry: SuppressionEntry | null;
  /** Every reason for which the address gets nothing now, this one among them. */
  readonly excluded: readonly ExclusionReason[];
  /** Lists that it has opted out of. */
  readonly listOptOuts: readonly string[];
}

/**
 * Puts an address on the suppression list by hand: no mail server is bothered with it any more. Once more changes nothing; the
 * first date and reason stay, unless the reason was a bounce (`putOnSuppressionList`).
 * @throws InputError ADDRESS_WRONG, REASON_WRONG
 */
export async function suppress(
  db: Queries,
  email: string,
  reason: string,
  settings: ExclusionSettings,
): Promise<SuppressionState> {
  const { address, key } = givenAddress(email);
  const put = await putOnSuppressionList(
    db,
    sql`select ${key}::text as key, ${'by-hand' satisfies SuppressionCause}::text as cause,
               ${checkReason(reason)}::text as reason, null::timestamptz as since`,
  );
  return { ...(await stateOf(db, address, key, settings)), changed: put.added + put.changed > 0 };
}

/**
 * Takes an address off the suppression list. Nothing else changes: opt-outs, consent and BounceCount still hold, and stand
 * in what is returned. Once more changes nothing.
 * @throws InputError ADDRESS_WRONG
 */
export async function unsuppress(
  db: Queries,
  email: string,
  settings: ExclusionSettings,
): Promise<SuppressionState> {
  const { address, key } = givenAddress(email);
  const removed = await db.delete(suppression).where(eq(suppression.emailKey, key)).returning();
  return { ...(await stateOf(db, address, key, settings)), changed: removed.length > 0 };
}

/** @throws InputError ADDRESS_WRONG */
export async function showSuppression(
  db: Queries,
  email: string,
  settings: ExclusionSettings,
): Promise<SuppressionState> {
  const { address, key } = givenAddress(email);
  return { ...(await stateOf(db, address, key, settings)), changed: false };
}

/** The suppressed addresses in their order, from the one after `after`, of one cause where it is given. */
export async function listSuppressed(
  db: Queries,
  limit: number,
  after = '',
  cause?: SuppressionCause,
): Promise<(SuppressionEntry & { readonly email: string })[]> {
  return await db
    .select({
      email: suppression.emailKey,
      cause: suppression.cause,
      reason: suppression.reason,
      since: suppression.createdAt,
    })
    .from(suppression)
    .where(and(gt(suppression.emailKey, after), ofCause(cause)))
    .orderBy(asc(suppression.emailKey))
    .limit(limit);
}

/** How many addresses are suppressed, of one cause where it is given. */
export async function countSuppressed(db: Queries, cause?: SuppressionCause): Promise<number> {
  const [row] = await db.select({ total: count() }).from(suppression).where(ofCause(cause));
  return row?.total ?? 0;
}

function ofCause(cause: SuppressionCause | undefined): SQL | undefined {
  return cause === undefined ? undefined : eq(suppression.cause, cause);
}

async function stateOf(
  db: Queries,
  email: string,
  key: string,
  settings: ExclusionSettings,
): Promise<Omit<SuppressionState, 'changed'>> {
  const { suppression: entry, listOptOuts } = await refusalsOf(db, key);
  const { rows } = await db.execute<{ reasons: ExclusionReason[] }>(sql`
    select ${everyExclusion(settings)} as reasons from ${contact} ${exclusionJoins(settings)} where contact.email_key = ${key}`);
  return {
    email,
    suppressed: entry !== null,
    entry,
    excluded: rows[0]?.reasons ?? (await judgeAddress(db, key, settings)),
    listOptOuts: listOptOuts.map(({ list }) => list),
  };
}
