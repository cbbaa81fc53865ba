import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { whoHadAddress } from '../addresses/address-history.ts';
import { lockAddresses } from '../addresses/address-lock.ts';
import { addressPattern } from '../addresses/address-pattern.ts';
import { emailKey } from '../addresses/email-address.ts';
import { givenAddress } from '../addresses/given-address.ts';
import { checkReason } from '../consent/opt-out.ts';
import { mergeLock } from '../import/import-merge.ts';
import { unknownContact } from '../unknown-contact.ts';
import { type ErasedCounts, eraseEntries, eraseMentions, type Person } from './erase-traces.ts';
import { ensureSalt, forgottenHash } from './forgotten.ts';
import { keepNosOfOthers } from './keep-nos-of-others.ts';

export interface ForgottenContact {
  /** Number of the contact that was erased, under which the ledger still counts it; null where there was none. */
  readonly contactId: number | null;
  /** How many rows were erased, or changed so that nothing of the person is left in them. */
  readonly erased: ErasedCounts;
  /**
   * Where contacts get mail now who had this address before, ten at the most. They may be the same person, or somebody else by
   * now: they were not erased.
   */
  readonly movedTo: readonly string[];
}

/**
 * Erases a person everywhere, under every address that the contact has had and nobody else has now. What is left is its number
 * in the queue and the ledger, with what was sent when, and a hash of each address, by which whoever was erased is not
 * imported again. What is queued for them ends as skipped (`no-address`). Once more erases what has come in since. A "no" of
 * theirs that keeps another contact from mail goes on doing so (`keepNosOfOthers`).
 *
 * Texts of others that name them are read and changed one table after the other, before anything is locked: that takes its time,
 * and neither imports nor whoever steers a campaign wait for it. All else is one short transaction. Where it fails, forgetting
 * them again erases the rest.
 *
 * @param by who erases them, for the proof
 * @throws InputError ADDRESS_WRONG, REASON_WRONG; FailedError CONTACT_UNKNOWN where nothing is known of the address
 */
export async function forgetContact(
  db: Database,
  email: string,
  { by, reason }: { readonly by: string; readonly reason?: string | undefined },
): Promise<ForgottenContact> {
  const { address, key } = givenAddress(email);
  const why = reason === undefined ? '' : checkReason(reason);
  const before = await personOf(db, address, key);
  let mentions = await eraseMentions(db, before);
  return await db.transaction(async (tx) => {
    // From here on imports wait, so only what an index finds is left to do.
    await holdPerson(tx, key);
    const person = await personOf(tx, address, key);
    const { contactId, addresses } = person;
    if (isMore(person, before)) mentions = sumOf(mentions, await eraseMentions(tx, person));
    await keepNosOfOthers(tx, person);
    const erased = { ...(await eraseEntries(tx, person)), ...mentions };
    if (Object.values(erased).every((count) => count === 0)) throw await unknownContact(tx, address, key);
    await ensureSalt(tx);
    // The proof must not say what it proves to be gone.
    const withoutThem = why.replace(new RegExp(addressPattern(addresses), 'gi'), '(erased)');
    await tx.execute(sql`
      insert into forgotten (email_hash, contact_id, by, reason)
      select ${forgottenHash(sql`key`)}, ${contactId}::bigint, ${by}, ${withoutThem}
        from installation, unnest(${sql.param([...new Set(addresses.map(emailKey))])}::text[]) as key
      on conflict (email_hash) do update
        set contact_id = excluded.contact_id, by = excluded.by, reason = excluded.reason, at = excluded.at
      where forgotten.contact_id is distinct from excluded.contact_id`);
    return { contactId, erased, movedTo: await whoHadAddress(tx, key, contactId) };
  });
}

/**
 * Until the transaction ends no import merges, and nobody makes, moves or erases the contact: one that is erased at this moment
 * would be made again by what was read of it before.
 */
async function holdPerson(tx: Queries, key: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${mergeLock})`);
  const { rows } = await tx.execute<{ email: string }>(sql`
    select h.email from contact c join email_address_history h on h.contact_id = c.id where c.email_key = ${key}`);
  await lockAddresses(tx, [key, ...rows.map((row) => emailKey(row.email))]);
  await tx.execute(sql`select from contact where email_key = ${key} for update`);
}

/** Whether an import or a change of address came in between, and there is more to look for. */
function isMore(person: Person, before: Person): boolean {
  const known = new Set(before.addresses);
  return person.contactId !== before.contactId || person.addresses.some((address) => !known.has(address));
}

function sumOf(one: ErasedCounts, other: ErasedCounts): ErasedCounts {
  return Object.fromEntries(Object.entries(one).map(([what, count]) => [what, count + (other[what] ?? 0)]));
}

/** The contact, and every address that it has had but for those that are another's now. */
async function personOf(tx: Queries, address: string, key: string): Promise<Person> {
  const { rows } = await tx.execute<{ id: string; email: string }>(
    sql`select id, email from contact where email_key = ${key}`,
  );
  const [found] = rows;
  if (found === undefined) {
    // What came in after they were erased, such as a journal's entries of a host that was away, is under their number.
    const before = await tx.execute<{ id: string | null }>(sql`
      select contact_id as id from installation, forgotten where email_hash = ${forgottenHash(sql`${key}::text`)}`);
    const id = before.rows[0]?.id ?? null;
    return { contactId: id === null ? null : Number(id), addresses: [address] };
  }
  const contactId = Number(found.id);
  const history = await tx.execute<{ email: string }>(
    sql`select distinct email from email_address_history where contact_id = ${contactId}`,
  );
  const earlier = history.rows.map(({ email }) => email);
  const taken = await tx.execute<{ key: string }>(sql`
    select email_key as key from contact
     where email_key = any(${sql.param(earlier.map(emailKey))}::text[]) and id <> ${contactId}`);
  const others = new Set(taken.rows.map((row) => row.key));
  const own = earlier.filter((email) => !others.has(emailKey(email)));
  return { contactId, addresses: [...new Set([found.email, address, ...own])] };
}
