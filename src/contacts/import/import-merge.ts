import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { PoolClient } from 'pg';
import { advisoryLocks } from '../../db/advisory-locks.ts';
import type { Queries } from '../../db/connect.ts';
import { makeRoomForEverybody } from '../../db/room-for-everybody.ts';
import * as schema from '../../db/schema.ts';
import { forgottenHash } from '../erasure/forgotten.ts';
import { firstBounceCount, mergedValues } from './merged-values.ts';

export interface MergeOptions {
  readonly listId: number;
  /** Whether a row may take back a "no": see `importContacts`. */
  readonly allowConsentGrant: boolean;
  /** Whether who was erased is made a contact again. */
  readonly allowForgotten: boolean;
}

export interface MergeResult {
  readonly created: number;
  /** Contacts that existed before. */
  readonly updated: number;
  /** Rows whose address stood in a later row again. */
  readonly duplicates: number;
  /** Rows that were left out, for the person was erased and is no contact now. */
  readonly forgotten: readonly ForgottenRow[];
}

export interface ForgottenRow {
  readonly line: number;
  readonly email: string;
}

/** Somebody else created or updated one of these contacts in between: the same merge again sees it. */
const lostRaces = new Set(['23505', '40P01']);
const attemptsMaximum = 5;

/**
 * Merges take turns, so that two imports of the same people never wait for each other in a circle.
 * Whoever deletes contacts takes a turn too: no foreign key keeps a merge from adding a membership of one that is gone. And
 * whoever changes an address: a merge would write the old one beside the new one's key, and no "no" of it would be found.
 */
export const mergeLock = advisoryLocks.merge;

/** Merges the table `import_row` (src/contacts/import/import-staging.ts) into contacts and list, in the caller's transaction. */
export async function mergeImport(client: PoolClient, options: MergeOptions): Promise<MergeResult> {
  await client.query('select pg_advisory_xact_lock($1)', [mergeLock]);
  const queries: Queries = drizzle(client, { schema });
  await makeRoomForEverybody(queries, 64);
  await client.query('analyze import_row');
  const forgotten = options.allowForgotten ? [] : await takeForgotten(queries);
  const duplicates = await foldDuplicates(client, options);
  for (let attempt = 1; ; attempt++) {
    await client.query('savepoint merge');
    try {
      return { ...(await mergeRows(client, options)), duplicates, forgotten };
    } catch (error) {
      if (!lostRaces.has(String((error as { code?: string }).code)) || attempt === attemptsMaximum)
        throw error;
      await client.query('rollback to savepoint merge');
    }
  }
}

/** Takes out who was erased. Nobody is erased while a merge is at work. */
async function takeForgotten(queries: Queries): Promise<ForgottenRow[]> {
  const { rowCount } = await queries.execute(sql`select from forgotten limit 1`);
  if (rowCount === 0) return [];
  const { rows } = await queries.execute<{ line: string; email: string }>(sql`
    delete from import_row row using installation, forgotten
     where forgotten.email_hash = ${forgottenHash(sql`row.email_key`)}
       and not exists (select from contact where contact.email_key = row.email_key)
    returning row.line, row.email`);
  return rows.map(({ line, email }) => ({ line: Number(line), email })).sort((a, b) => a.line - b.line);
}

/**
 * Leaves one row per address: what the rows would have made of a new contact, merged one after the other. A later
 * value wins over an earlier one, nothing said over nothing, and a "no" of any of them stays.
 */
async function foldDuplicates(client: PoolClient, { allowConsentGrant }: MergeOptions): Promise<number> {
  await client.query(`
    create temporary table import_repeated on commit drop as
    select email_key, max(line) as line, count(*) - 1 as superseded
    from import_row group by email_key having count(*) > 1`);
  const { rows } = await client.query<{ rows: string }>(
    'select coalesce(sum(superseded), 0) as rows from import_repeated',
  );
  const duplicates = Number(rows[0]?.rows ?? 0);
  if (duplicates === 0) return 0;
  await client.query('analyze import_repeated');

  const last = (column: string, said: string) =>
    `(array_agg(row.${column} order by row.line desc) filter (where ${said}))[1]`;
  const lastText = (column: string) => `coalesce(${last(column, `row.${column} <> ''`)}, '')`;
  const consent = (column: string) =>
    allowConsentGrant ? last(column, `row.${column} is not null`) : `bool_or(row.${column})`;
  const bounces = allowConsentGrant
    ? last('bounce_count', 'row.bounce_count is not null')
    : 'max(row.bounce_count)';
  await client.query(`
    create temporary table import_folded on commit drop as
    select repeated.line, ${last('email', 'true')} as email, email_key,
      ${lastText('first_name')} as first_name, ${lastText('last_name')} as last_name, ${lastText('language')} as language,
      ${consent('do_not_market')} as do_not_market, ${consent('consent_revoked')} as consent_revoked,
      ${bounces} as bounce_count
    from import_row row join import_repeated repeated using (email_key)
    group by repeated.line, email_key`);
  // Of several values of one key jsonb_object_agg keeps the last.
  await client.query(`
    create temporary table import_folded_facets on commit drop as
    select email_key, jsonb_object_agg(facet.key, facet.value order by row.line) as facets
    from import_row row join import_repeated using (email_key), jsonb_each(row.facets) facet
    group by email_key`);
  await client.query(`
    delete from import_row row using import_repeated repeated where row.email_key = repeated.email_key`);
  await client.query(`
    insert into import_row (line, email, email_key, first_name, last_name, language, facets, do_not_market,
      consent_revoked, bounce_count)
    select line, email, email_key, first_name, last_name, language, coalesce(facets, '{}'), do_not_market,
      consent_revoked, bounce_count
    from import_folded left join import_folded_facets using (email_key)`);
  return duplicates;
}

async function mergeRows(
  client: PoolClient,
  { listId, allowConsentGrant }: MergeOptions,
): Promise<{ created: number; updated: number }> {
  const existing = await client.query(`
    create temporary table import_existing on commit drop as
    select row.line, contact.id from import_row row join contact on contact.email_key = row.email_key`);
  await client.query('analyze import_existing');
  await client.query(updateExisting(allowConsentGrant));
  await client.query(
    'insert into list_member (list_id, contact_id) select $1, id from import_existing order by id on conflict do nothing',
    [listId],
  );
  // Not ON CONFLICT: its look-up before each insert costs half as much again as the insert. In the order of the
  // address, so that the index on it grows page by page.
  const created = await client.query(
    `with here as (
       delete from left_mailbox using import_row row where left_mailbox.email_key = row.email_key
          and not exists (select from import_existing existing where existing.line = row.line)
       returning row.line, left_mailbox.bounce_count
     ), created as (
       insert into contact (email, email_key, first_name, last_name, language, facets, do_not_market,
         consent_revoked, bounce_count)
       select email, email_key, first_name, last_name, language, facets, coalesce(do_not_market, false),
         coalesce(consent_revoked, false), ${firstBounceCount(allowConsentGrant)}
       from import_row row left join here on here.line = row.line
       where not exists (select from import_existing existing where existing.line = row.line)
       order by email_key
       returning id
     )
     insert into list_member (list_id, contact_id) select $1, id from created`,
    [listId],
  );
  return { created: created.rowCount ?? 0, updated: existing.rowCount ?? 0 };
}

function updateExisting(allowConsentGrant: boolean): string {
  const values = Object.entries(mergedValues(allowConsentGrant));
  return `
    update contact set ${values.map(([column, value]) => `${column} = ${value}`).join(', ')}, updated_at = now()
    from import_row row join import_existing existing on existing.line = row.line
    where contact.id = existing.id and (${values.map(([column]) => `contact.${column}`).join(', ')})
      is distinct from (${values.map(([, value]) => value).join(', ')})`;
}
