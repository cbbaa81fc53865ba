import { eq, sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { contact } from '../../db/schema.ts';
import { RefusedError } from '../../domain/errors.ts';
import { holdNewLists } from '../consent/general-no.ts';
import { optOut } from '../consent/opt-out.ts';
import { isOfMailbox, putOnSuppressionList } from '../consent/put-on-suppression-list.ts';
import { refuseForgotten } from '../erasure/forgotten.ts';
import { mergeLock } from '../import/import-merge.ts';
import { unknownContact } from '../unknown-contact.ts';
import { lockAddresses } from './address-lock.ts';
import { formerAddressesOfNos } from './former-addresses.ts';
import { givenAddress } from './given-address.ts';
import { leaveBounces, takeLeftBounces } from './left-mailbox.ts';

export interface AddressChangeOptions {
  /** Whether the new address may be that of somebody who was erased: only where they came back by themselves. Default false. */
  readonly allowForgotten?: boolean | undefined;
}

export interface ChangedAddress {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  /** False where it was that address already. */
  readonly changed: boolean;
  /** Every "no" that was given by the old address and holds for the new one now. */
  readonly carried: {
    readonly globalOptOut: boolean;
    readonly suppression: boolean;
    /** How many lists. */
    readonly listOptOuts: number;
  };
}

/**
 * Gives a contact another preferred address. What is queued for it goes to the new one.
 *
 * - Every "no" of the person goes along: the global opt-out, opt-outs of lists and a suppression, unless that is about the
 *   old mailbox (bounces). They stay with the old address too, and so does a lack of consent, as a global opt-out: an import
 *   that still has the old address would make another contact of it. Consent and facets are the contact's and stay.
 * - Where the old address is the former one of somebody else who says "no", which holds for it, it holds for the new one, too.
 * - Bounces are the mailbox's: the count stays with the old address, and what was left at the new one counts (`leaveBounces`).
 * - The old address goes into the history, by which a "no" that comes later holds for it, too (`formerAddressesOfNos`); the new one does when it is sent to (EmailAddressHistoryBus).
 *
 * @throws InputError ADDRESS_WRONG; FailedError CONTACT_UNKNOWN; RefusedError ADDRESS_TAKEN where it is another contact's,
 * CONTACT_FORGOTTEN
 */
export async function changeAddress(
  db: Database,
  from: string,
  to: string,
  options: AddressChangeOptions = {},
): Promise<ChangedAddress> {
  return await db.transaction(async (tx) => await changeAddressIn(tx, from, to, options));
}

/** The same in the caller's transaction. */
export async function changeAddressIn(
  tx: Queries,
  from: string,
  to: string,
  { allowForgotten = false }: AddressChangeOptions = {},
): Promise<ChangedAddress> {
  const old = givenAddress(from);
  const next = givenAddress(to, '--email');
  await holdAddresses(tx, [old.key, next.key]);
  const [found] = await tx.select().from(contact).where(eq(contact.emailKey, old.key)).for('update');
  if (found === undefined) throw await unknownContact(tx, old.address, old.key);
  const { id } = found;
  const none = { globalOptOut: false, suppression: false, listOptOuts: 0 };
  const result = { id, from: found.email, to: next.address };
  if (old.key === next.key) {
    const changed = found.email !== next.address;
    if (changed) await tx.update(contact).set({ email: next.address }).where(eq(contact.id, id));
    return { ...result, changed, carried: none };
  }
  await refuseTaken(tx, next);
  if (!allowForgotten) await refuseForgotten(tx, next, '--email');

  await tx.execute(sql`
    insert into email_address_history (contact_id, email, email_key, used_from)
    select id, email, email_key, address_since from contact where id = ${id} on conflict do nothing`);
  const { rows: nosBefore } = await tx.execute(
    formerAddressesOfNos(sql`h.email_key = ${old.key} and h.contact_id <> ${id}`),
  );
  const carried = await carryRefusals(tx, old.key, next.key);
  // Said before they leave it, so that consent that is given again counts for the new one.
  if (found.doNotMarket || found.consentRevoked)
    await optOut(tx, old.key, 'no consent when the address changed');
  await leaveBounces(tx, id);
  await tx.execute(sql`
    with here as (${takeLeftBounces(next.key)})
    update contact set email = ${next.address}, email_key = ${next.key}, address_since = clock_timestamp(),
           bounce_count = coalesce((select bounce_count from here), 0), history_pending = true, updated_at = now()
     where id = ${id}`);
  if (nosBefore.length === 0) return { ...result, changed: true, carried };
  const { changed } = await optOut(tx, next.key, 'a "no" of who had the address before');
  return { ...result, changed: true, carried: { ...carried, globalOptOut: carried.globalOptOut || changed } };
}

/**
 * Until the transaction ends nobody else makes, moves or erases a contact of these addresses, and no import merges: a merge finds
 * contacts by their addresses and changes them by their numbers.
 */
export async function holdAddresses(tx: Queries, keys: readonly string[]): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(${mergeLock})`);
  await lockAddresses(tx, keys);
}

async function refuseTaken(tx: Queries, { address, key }: ReturnType<typeof givenAddress>): Promise<void> {
  const [taken] = await tx.select({ id: contact.id }).from(contact).where(eq(contact.emailKey, key));
  if (taken === undefined) return;
  throw new RefusedError('ADDRESS_TAKEN', 'Another contact has this address; one address is one contact.', {
    field: '--email',
    value: address,
    hint: 'Give another address, or erase one of the two: "exm contact show" shows them.',
  });
}

/**
 * A suppression whose cause is about the old mailbox stays with it; every other one goes along. With the day and reason of the
 * first.
 */
async function carryRefusals(tx: Queries, from: string, to: string): Promise<ChangedAddress['carried']> {
  await holdNewLists(tx);
  const optOut = await tx.execute(sql`
    insert into global_opt_out (email_key, reason, created_at)
    select ${to}, reason, created_at from global_opt_out where email_key = ${from} on conflict do nothing`);
  await tx.execute(sql`
    insert into general_no (email_key, created_at)
    select ${to}, created_at from general_no where email_key = ${from} on conflict do nothing`);
  const lists = await tx.execute(sql`
    insert into list_opt_out (list_id, email_key, reason, created_at)
    select list_id, ${to}, reason, created_at from list_opt_out where email_key = ${from} on conflict do nothing`);
  const suppressed = await putOnSuppressionList(
    tx,
    sql`
    select ${to}::text as key, cause, reason, created_at as since from suppression
     where email_key = ${from} and not ${isOfMailbox(sql`cause`)}`,
  );
  return {
    globalOptOut: (optOut.rowCount ?? 0) > 0,
    listOptOuts: lists.rowCount ?? 0,
    suppression: suppressed.added + suppressed.changed > 0,
  };
}
