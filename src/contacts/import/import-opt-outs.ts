import type { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { InputError } from '../../domain/errors.ts';
import { wasLeftForGoodSince } from '../addresses/former-addresses.ts';
import { generalNoReason, holdNewLists } from '../consent/general-no.ts';
import { isNewOptOut, saidAgain } from '../consent/said-again.ts';
import { laterLists } from '../lists/list-name.ts';
import { findList } from '../lists/lists.ts';
import { type ImportRefusalsOptions, importRefusals, type RefusalsReport } from './import-refusals.ts';

/**
 * Opts addresses out from CSV with the column `email`, and `list`, `reason` and `since` where there are any: of the list that
 * the row names, else of `list`, else of all mail; where it names `*`, of every list that is made from now on. Of an address
 * that its person has left after the day that the file says, it counts as said now: nobody knew of it when they left, so it
 * did not go along to the one that they have.
 *
 * @throws InputError LIST_UNKNOWN for `list`, and for one that was removed while the file was read; a row that names an unknown
 *   one is refused
 */
export async function importOptOuts(
  db: Database,
  input: Readable | string,
  options: ImportRefusalsOptions & { readonly list?: string | undefined },
): Promise<RefusalsReport> {
  const ofAll = options.list === undefined ? undefined : (await findList(db, options.list, '--list')).id;
  const known = await db.query.contactList.findMany({ columns: { id: true, name: true } });
  const lists = new Map(known.map(({ id, name }) => [name, id]));
  const listIdOf = (name: string) => (name === '' ? ofAll : lists.get(name)) ?? null;
  const enter = async (tx: Queries) => await enterOptOuts(tx, [...lists.values()]);
  const isList = (name: string) => name === laterLists || lists.has(name);
  const hold = async (tx: Queries) => await holdLists(tx, lists);
  return await importRefusals(db, input, options, { hold, enter, isList, listIdOf });
}

/** Nobody removes the lists that rows name until these are entered: whoever does waits, and then finds their opt-outs. */
async function holdLists(tx: Queries, known: ReadonlyMap<string, number>): Promise<void> {
  const { rows: named } = await tx.execute<{ id: number }>(
    sql`select distinct list_id as id from refusal_row where list_id is not null`,
  );
  const ids = sql.param(named.map(({ id }) => id));
  const { rows: held } = await tx.execute<{ id: number }>(
    sql`select id from contact_list where id = any(${ids}::int[]) order by id for key share`,
  );
  if (held.length === named.length) return;
  const gone = named.find(({ id }) => held.every((one) => one.id !== id))?.id;
  const name = [...known].find(([, id]) => id === gone)?.[0] ?? '';
  throw new InputError('LIST_UNKNOWN', `The list "${name}" was removed while the file was read.`, {
    field: 'list',
    value: name,
    hint: 'Nothing was entered. Make the list again, or give the file without it.',
  });
}

/**
 * In one order by everybody, so that nobody waits in a circle.
 *
 * @param known lists that there were when the file was read; others are later ones
 */
async function enterOptOuts(tx: Queries, known: readonly number[]): Promise<number> {
  await holdNewLists(tx);
  const { rows } = await tx.execute<{ added: number }>(sql`
    with everything as (
      insert into global_opt_out (email_key, reason, created_at)
      select distinct on (key) key, reason,
             case when since is null or ${wasLeftForGoodSince(sql`key`, sql`since`)} then clock_timestamp() else since end
        from refusal_row where list_id is null and not is_of_later order by key, place
      ${sql.raw(saidAgain('global_opt_out'))} returning ${sql.raw(isNewOptOut)}
    ), single as (
      insert into list_opt_out (list_id, email_key, reason, created_at)
      select distinct on (list_id, key) list_id, key, reason, coalesce(since, now())
        from refusal_row where list_id is not null order by list_id, key, place
      ${sql.raw(saidAgain('list_opt_out'))} returning ${sql.raw(isNewOptOut)}
    ), later as (
      insert into general_no (email_key, created_at)
      select distinct on (key) key, coalesce(since, now()) from refusal_row where is_of_later order by key, place
      on conflict do nothing returning true as is_new
    )
    select count(*)::int as added from (
      select is_new from everything union all select is_new from single union all select is_new from later) put where is_new`);
  // One that is being removed is left out; whoever removes it waits for nothing that is held here.
  await tx.execute(sql`
    with made_since as materialized (
      select id from contact_list
       where id <> all(${sql.param([...known])}::int[]) and exists (select from refusal_row where is_of_later)
       order by id for key share
    )
    insert into list_opt_out (list_id, email_key, reason, created_at)
    select distinct on (l.id, key) l.id, key, ${generalNoReason}::text, coalesce(since, now())
      from refusal_row cross join made_since l where is_of_later order by l.id, key, place
    on conflict do nothing`);
  return rows[0]?.added ?? 0;
}
