import { asc, eq, gt, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { contact, suppression } from '../../db/schema.ts';
import type { ExclusionReason } from '../../domain/outcome.ts';
import { givenAddress } from '../addresses/given-address.ts';
import { judgeAddress } from '../audience/audience.ts';
import { type ExclusionSettings, everyExclusion, exclusionJoins } from '../audience/exclusion.ts';
import { checkReason } from './opt-out.ts';
import { type ListEntry, refusalsOf } from './refusals.ts';

export interface SuppressionState {
  readonly email: string;
  readonly suppressed: boolean;
  /** False where it was so before. */
  readonly changed: boolean;
  /** Since when and why the address is on the list; null where it is not. */
  readonly entry: ListEntry | null;
  /** Every reason for which the address gets nothing now, this one among them. */
  readonly excluded: readonly ExclusionReason[];
  /** Lists that it has opted out of. */
  readonly listOptOuts: readonly string[];
}

/**
 * Puts an address on the suppression list: no mail server is bothered with it any more. Once more changes nothing; the
 * first date and reason stay.
 * @throws InputError ADDRESS_WRONG, REASON_WRONG
 */
export async function suppress(
  db: Queries,
  email: string,
  reason: string,
  settings: ExclusionSettings,
): Promise<SuppressionState> {
  const { address, key } = givenAddress(email);
  const inserted = await db
    .insert(suppression)
    .values({ emailKey: key, reason: checkReason(reason) })
    .onConflictDoNothing()
    .returning();
  return { ...(await stateOf(db, address, key, settings)), changed: inserted.length > 0 };
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

/** The suppressed addresses in their order, from the one after `after`. */
export async function listSuppressed(
  db: Queries,
  limit: number,
  after = '',
): Promise<(ListEntry & { readonly email: string })[]> {
  return await db
    .select({ email: suppression.emailKey, reason: suppression.reason, since: suppression.createdAt })
    .from(suppression)
    .where(gt(suppression.emailKey, after))
    .orderBy(asc(suppression.emailKey))
    .limit(limit);
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
