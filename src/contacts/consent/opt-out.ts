import { eq, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { generalNo, globalOptOut } from '../../db/schema.ts';
import { InputError } from '../../domain/errors.ts';
import { addressLock } from '../addresses/address-lock.ts';
import { wasLeftSince } from '../addresses/former-addresses.ts';
import { givenAddress } from '../addresses/given-address.ts';
import { isNewOptOut, isYoung } from './said-again.ts';

export const optOutReasonMaximum = 200;

export interface OptOutState {
  readonly email: string;
  readonly optedOut: boolean;
  /** False where it was so before. */
  readonly changed: boolean;
  /** Since when and why the address is on the list; null where it is not. */
  readonly since: Date | null;
  readonly reason: string | null;
}

/**
 * Puts an address on the global opt-out list: it gets nothing at all any more, whether or not it is a contact, and
 * also not what is queued already. Once more changes nothing, and the first date and reason stay; but see `saidAgain`, and where
 * its person has left the address since, it takes the date of now: then it holds for the address they have, too.
 *
 * @throws InputError ADDRESS_WRONG, REASON_WRONG
 */
export async function optOut(db: Queries, email: string, reason = 'by hand'): Promise<OptOutState> {
  const { address, key } = givenAddress(email);
  const text = checkReason(reason);
  // An address that is just being left: it is said before, and goes along, or after, and holds for who has left it.
  const put = await db.execute<{ is_new: boolean }>(sql`
    with locked as materialized (${addressLock(key)})
    insert into global_opt_out (email_key, reason, created_at) select ${key}, ${text}, clock_timestamp() from locked
    on conflict (email_key) do update set created_at = excluded.created_at
     where ${sql.raw(isYoung('global_opt_out'))}
        or ${wasLeftSince(sql`global_opt_out.email_key`, sql`global_opt_out.created_at`)}
    returning ${sql.raw(isNewOptOut)}`);
  const [entry] = await entryOf(db, key);
  return {
    email: address,
    optedOut: true,
    changed: put.rows[0]?.is_new ?? false,
    since: entry?.createdAt ?? null,
    reason: entry?.reason ?? null,
  };
}

/**
 * Takes an address off the global opt-out list; lists that are made later are open to it. Nothing else changes: what the contact said itself (DoNotMarket,
 * ConsentRevoked), its bounces and the suppression list still hold. Once more changes nothing.
 *
 * @throws InputError ADDRESS_WRONG
 */
export async function optIn(db: Queries, email: string): Promise<OptOutState> {
  const { address, key } = givenAddress(email);
  const removed = await db.delete(globalOptOut).where(eq(globalOptOut.emailKey, key)).returning();
  await db.delete(generalNo).where(eq(generalNo.emailKey, key));
  return { email: address, optedOut: false, changed: removed.length > 0, since: null, reason: null };
}

/** The reason of an opt-out as it is kept. @throws InputError REASON_WRONG */
export function checkReason(reason: string): string {
  const text = reason.trim();
  if (text !== '' && text.length <= optOutReasonMaximum && !/\p{Cc}/u.test(text)) return text;
  throw new InputError('REASON_WRONG', 'This is not a reason that can be kept.', {
    field: '--reason',
    value: text.slice(0, optOutReasonMaximum + 1),
    hint: `Use 1 to ${optOutReasonMaximum} characters on one line.`,
  });
}

function entryOf(db: Queries, key: string) {
  return db.select().from(globalOptOut).where(eq(globalOptOut.emailKey, key));
}
