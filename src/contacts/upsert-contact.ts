import { type SQL, sql } from 'drizzle-orm';
import type { Database, Queries } from '../db/connect.ts';
import type { FacetValue } from '../domain/facet.ts';
import { lockAddresses } from './addresses/address-lock.ts';
import { givenAddress } from './addresses/given-address.ts';
import { takeLeftBounces } from './addresses/left-mailbox.ts';
import { refuseForgotten } from './erasure/forgotten.ts';
import { givenFacets } from './facets/given-facets.ts';
import { givenBounceCount, givenLanguage, givenName } from './given-contact.ts';
import { firstBounceCount, mergedValues } from './import/merged-values.ts';
import { findStaticList } from './lists/static-list.ts';

/** What is said of a person. What is left out, or empty, stays as it is known; null takes it away. */
export interface GivenContact {
  readonly email: string;
  readonly firstName?: string | null | undefined;
  readonly lastName?: string | null | undefined;
  /** BCP 47 tag. */
  readonly language?: string | null | undefined;
  /** Free facets by name, each of the type that is kept for it (text where none is); null takes one away. */
  readonly facets?: Readonly<Record<string, FacetValue | null>> | undefined;
  readonly doNotMarket?: boolean | undefined;
  readonly consentRevoked?: boolean | undefined;
  readonly bounceCount?: number | undefined;
  /** Names of static lists that it becomes a member of. */
  readonly lists?: readonly string[] | undefined;
}

export interface UpsertOptions {
  /** Whether `doNotMarket` and `consentRevoked` may be set back to false, and `bounceCount` be lowered. Default false. */
  readonly allowConsentGrant?: boolean | undefined;
  /** Whether somebody who was erased is made a contact again: only where they came back by themselves. Default false. */
  readonly allowForgotten?: boolean | undefined;
}

export interface UpsertedContact {
  readonly id: number;
  readonly email: string;
  readonly created: boolean;
  /** False where nothing new was said. */
  readonly changed: boolean;
  /** What stayed a "no" though it was said otherwise, for want of `allowConsentGrant`. */
  readonly kept: readonly ('doNotMarket' | 'consentRevoked' | 'bounceCount')[];
}

/**
 * Makes the contact of an address, or changes it, by the rules of an import (`importContacts`): a "no" is never taken back
 * unless that is allowed by name, and the opt-out and suppression lists are never changed. Twice is as once.
 *
 * @throws InputError ADDRESS_WRONG, CONTACT_VALUE, LIST_UNKNOWN; RefusedError CONTACT_FORGOTTEN, LIST_SEGMENTED
 */
export async function upsertContact(
  db: Database,
  given: GivenContact,
  options: UpsertOptions = {},
): Promise<UpsertedContact> {
  return await db.transaction(async (tx) => await upsertContactIn(tx, given, options));
}

/** The same in the caller's transaction. */
export async function upsertContactIn(
  tx: Queries,
  given: GivenContact,
  { allowConsentGrant = false, allowForgotten = false }: UpsertOptions = {},
): Promise<UpsertedContact> {
  const { address, key } = givenAddress(given.email);
  const row = await readGiven(tx, given, address, key);
  const lists: number[] = [];
  for (const name of given.lists ?? []) lists.push((await findStaticList(tx, name, '--list')).id);
  await lockAddresses(tx, [key]);
  for (;;) {
    const found = await update(tx, row, key, allowConsentGrant);
    if (found === undefined && !allowForgotten) await refuseForgotten(tx, { address, key }, 'EMAIL');
    // An import, which takes no lock on an address, may have made it by now: then it is updated after all.
    const made = found ?? (await insert(tx, row, key, allowConsentGrant));
    if (made === undefined) continue;
    const joined = await join(tx, lists, made.id);
    const { id, email, created, changed } = made;
    return { id, email, created, changed: changed || joined, kept: keptOf(given, made) };
  }
}

interface Row {
  /** A query of one row with the columns of `import_row`. */
  readonly row: SQL;
  /** Columns that are emptied. */
  readonly emptied: ReadonlySet<string>;
  readonly unset: readonly string[];
}

async function readGiven(tx: Queries, given: GivenContact, address: string, key: string): Promise<Row> {
  const { firstName, lastName, language, doNotMarket, consentRevoked, bounceCount } = given;
  const { values, unset } = await givenFacets(tx, given.facets ?? {});
  const emptied = { first_name: firstName, last_name: lastName, language };
  return {
    emptied: new Set(Object.entries(emptied).flatMap(([column, value]) => (value === null ? [column] : []))),
    unset,
    row: sql`
      select ${address}::text as email, ${key}::text as email_key,
        ${givenName(firstName ?? '', 'firstName')}::text as first_name,
        ${givenName(lastName ?? '', 'lastName')}::text as last_name,
        ${givenLanguage(language ?? '', 'language')}::text as language, ${JSON.stringify(values)}::jsonb as facets,
        ${doNotMarket ?? null}::boolean as do_not_market, ${consentRevoked ?? null}::boolean as consent_revoked,
        ${bounceCount === undefined ? null : givenBounceCount(bounceCount, 'bounceCount')}::integer as bounce_count`,
  };
}

type Stored = {
  id: number;
  email: string;
  doNotMarket: boolean;
  consentRevoked: boolean;
  bounceCount: number;
};
interface Made extends Stored {
  readonly created: boolean;
  readonly changed: boolean;
}

const stored = sql.raw(
  `contact.id::float8 as id, contact.email, contact.do_not_market as "doNotMarket",
   contact.consent_revoked as "consentRevoked", contact.bounce_count as "bounceCount"`,
);

async function update(
  tx: Queries,
  { row, emptied, unset }: Row,
  key: string,
  allowConsentGrant: boolean,
): Promise<Made | undefined> {
  const values = Object.entries(mergedValues(allowConsentGrant)).map(([column, merged]): [string, SQL] => {
    if (emptied.has(column)) return [column, sql`''`];
    if (column === 'facets') return [column, sql`(${sql.raw(merged)}) - ${sql.param([...unset])}::text[]`];
    return [column, sql.raw(merged)];
  });
  const columns = values.map(([column]) => sql`contact.${sql.identifier(column)}`);
  const comma = sql`, `;
  const before = await tx.execute<Stored>(
    sql`select ${stored} from contact where email_key = ${key} for update`,
  );
  const after = await tx.execute<Stored>(sql`
    with row as (${row})
    update contact set ${sql.join(
      values.map(([column, value]) => sql`${sql.identifier(column)} = ${value}`),
      comma,
    )}, updated_at = now()
    from row where contact.email_key = row.email_key
      and (${sql.join(columns, comma)}) is distinct from (${sql.join(
        values.map(([, value]) => value),
        comma,
      )})
    returning ${stored}`);
  const known = after.rows[0] ?? before.rows[0];
  return known && { ...known, created: false, changed: after.rows.length > 0 };
}

async function insert(
  tx: Queries,
  { row }: Row,
  key: string,
  allowConsentGrant: boolean,
): Promise<Made | undefined> {
  const { rows } = await tx.execute<Stored>(sql`
    with here as (${takeLeftBounces(key)})
    insert into contact (email, email_key, first_name, last_name, language, facets, do_not_market, consent_revoked,
      bounce_count)
    select email, email_key, first_name, last_name, language, facets, coalesce(do_not_market, false),
      coalesce(consent_revoked, false), ${sql.raw(firstBounceCount(allowConsentGrant))}
    from (${row}) row left join here on true
    on conflict (email_key) do nothing returning ${stored}`);
  const [made] = rows;
  return made && { ...made, created: true, changed: true };
}

async function join(tx: Queries, lists: readonly number[], contactId: number): Promise<boolean> {
  if (lists.length === 0) return false;
  const { rowCount } = await tx.execute(sql`
    insert into list_member (list_id, contact_id)
    select unnest(${sql.param([...lists])}::int[]), ${contactId} on conflict do nothing`);
  return (rowCount ?? 0) > 0;
}

function keptOf(given: GivenContact, { doNotMarket, consentRevoked, bounceCount }: Stored) {
  const kept: UpsertedContact['kept'][number][] = [];
  if (given.doNotMarket === false && doNotMarket) kept.push('doNotMarket');
  if (given.consentRevoked === false && consentRevoked) kept.push('consentRevoked');
  if (given.bounceCount !== undefined && given.bounceCount < bounceCount) kept.push('bounceCount');
  return kept;
}
