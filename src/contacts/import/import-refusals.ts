import type { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { type SuppressionCause, suppressionCause } from '../../domain/suppression.ts';
import { parseEmailAddress } from '../addresses/email-address.ts';
import { wasLeftForGoodSince } from '../addresses/former-addresses.ts';
import { generalNoReason, holdNewLists } from '../consent/general-no.ts';
import { optOutReasonMaximum } from '../consent/opt-out.ts';
import { putOnSuppressionList } from '../consent/put-on-suppression-list.ts';
import { isNewOptOut, saidAgain } from '../consent/said-again.ts';
import { laterLists } from '../lists/list-name.ts';
import { findList } from '../lists/lists.ts';
import type { CsvDelimiter, CsvRecord } from './csv-records.ts';
import type { ImportColumns } from './import-columns.ts';
import { mergeLock } from './import-merge.ts';
import { faultOf, type RefusedRow, refusal } from './import-row.ts';
import { openSource } from './import-source.ts';
import { readCsv } from './read-csv.ts';
import { type OnRefused, RefusalTally, type RefusedRows } from './refusal-tally.ts';

export interface ImportRefusalsOptions {
  /** Where a row gives none. */
  readonly reason: string;
  readonly delimiter?: CsvDelimiter | undefined;
  /** Name of the input in messages; default the path. */
  readonly source?: string | undefined;
  readonly onRefused?: OnRefused;
}

export interface RefusalsReport {
  /** Rows of the file without the header: added + known + refused.total. */
  readonly read: number;
  readonly added: number;
  /** Addresses that were on the list before, or stand in the file again; the first date and reason stay. */
  readonly known: number;
  readonly refused: RefusedRows;
}

/**
 * Puts addresses on the suppression list from CSV with the column `email`, and `cause`, `reason` and `since` where there are any. As
 * an import of contacts: a wrong row is refused and reported, whatever ends it early leaves no trace, and nothing that others use is
 * locked before all of it has been read.
 */
export async function importSuppression(
  db: Database,
  input: Readable | string,
  options: ImportRefusalsOptions,
): Promise<RefusalsReport> {
  return await importRows(db, input, options, async (tx) => {
    const { added } = await putOnSuppressionList(
      tx,
      sql`select key, cause, reason, since from refusal_row order by place`,
    );
    return added;
  });
}

/**
 * Opts addresses out from CSV with the column `email`, and `list`, `reason` and `since` where there are any: of the list that
 * the row names, else of `list`, else of all mail; where it names `*`, of every list that is made from now on. Of an address that its person has left after the day that the file says, it
 * counts as said now: nobody knew of it when they left, so it did not go along to the one that they have.
 *
 * @throws InputError LIST_UNKNOWN for `list`; a row that names an unknown one is refused
 */
export async function importOptOuts(
  db: Database,
  input: Readable | string,
  options: ImportRefusalsOptions & { readonly list?: string | undefined },
): Promise<RefusalsReport> {
  const known = await db.query.contactList.findMany({ columns: { id: true, name: true } });
  const lists = new Map(known.map(({ id, name }) => [name, id]));
  const ofAll = options.list === undefined ? undefined : (await findList(db, options.list, '--list')).id;
  const listIdOf = (name: string) => (name === '' ? ofAll : lists.get(name)) ?? null;
  const enter = async (tx: Queries) => await enterOptOuts(tx, [...lists.values()]);
  const isList = (name: string) => name === laterLists || lists.has(name);
  return await importRows(db, input, options, enter, { isList, listIdOf });
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
  await tx.execute(sql`
    insert into list_opt_out (list_id, email_key, reason, created_at)
    select distinct on (l.id, key) l.id, key, ${generalNoReason}::text, coalesce(since, now())
      from refusal_row cross join contact_list l
     where is_of_later and l.id <> all(${sql.param([...known])}::int[]) order by l.id, key, place
    on conflict do nothing`);
  return rows[0]?.added ?? 0;
}

interface Row {
  readonly key: string;
  readonly reason: string;
  /** ISO 8601; null where it is not said. */
  readonly since: string | null;
  /** Empty where it names none. */
  readonly list: string;
  /** Of the suppression list; `import` where it names none that is known. */
  readonly cause: SuppressionCause;
}

/** The rows of the file, gone with the transaction. `list_id` null: all mail, or every later list. */
const createStaging = `
  create temporary table refusal_row (
    place integer not null,
    key text not null,
    cause text not null,
    reason text not null,
    since timestamptz,
    list_id integer,
    is_of_later boolean not null
  ) on commit drop`;

/** Rows of one statement. */
const rowsAtATime = 5_000;

/** The lists that rows may name. */
interface NamedLists {
  readonly isList: (name: string) => boolean;
  /** Null: all mail. */
  readonly listIdOf: (name: string) => number | null;
}

async function importRows(
  db: Database,
  input: Readable | string,
  { reason, delimiter, source: name, onRefused }: ImportRefusalsOptions,
  enter: (tx: Queries) => Promise<number>,
  { isList, listIdOf }: NamedLists = { isList: () => true, listIdOf: () => null },
): Promise<RefusalsReport> {
  const source = await openSource(input, name);
  const tally = new RefusalTally(onRefused);
  try {
    return await db.transaction(async (tx) => {
      await tx.execute(sql.raw(createStaging));
      let read = 0;
      let taken = 0;
      let rows: object[] = [];
      const flush = async () => {
        if (rows.length > 0)
          await tx.execute(sql`
            insert into refusal_row (place, key, cause, reason, since, list_id, is_of_later)
            select place, key, cause, reason, since, "listId", list = ${laterLists} from json_to_recordset(${JSON.stringify(rows)}::json)
                   as e(place int, key text, cause text, reason text, since timestamptz, "listId" int, list text)`);
        rows = [];
      };
      for await (const { records, columns } of readCsv(source.stream, name ?? source.name, delimiter)) {
        read += records.length;
        for (const record of records) {
          const row = readRow(record, columns, reason, isList);
          if ('detail' in row) await tally.add(row);
          else rows.push({ ...row, place: ++taken, listId: listIdOf(row.list) });
          if (rows.length >= rowsAtATime) await flush();
        }
      }
      await flush();
      // Nobody gets another address meanwhile: a "no" that is entered here either goes along, or is known to come after it.
      await tx.execute(sql`select pg_advisory_xact_lock(${mergeLock})`);
      await tx.execute(sql`analyze refusal_row`);
      const added = await enter(tx);
      return { read, added, known: taken - added, refused: tally.report() };
    });
  } finally {
    source.stream.destroy();
  }
}

/**
 * Reads one record. Only what says nothing is refused, for each row is a "no" of somebody: a date that is none counts as now,
 * and a reason is cut.
 */
function readRow(
  record: CsvRecord,
  columns: ImportColumns,
  reason: string,
  isList: (name: string) => boolean,
): Row | RefusedRow {
  if ('fault' in record) return faultOf(record, columns);
  const { line, fields } = record;
  const email = fields[columns.index.email ?? 0] ?? '';
  const address = parseEmailAddress(email);
  if (!address.ok) {
    return address.reason === 'empty'
      ? refusal(line, 'no-address', 'email', fields.join(', '), 'an address is expected')
      : refusal(line, 'bad-address', 'email', email, address.reason);
  }
  const value = (name: string): string => {
    const column = columns.facets.find((one) => one.name.toLowerCase() === name);
    return column === undefined ? '' : (fields[column.index] ?? '').trim();
  };
  const list = value('list').normalize('NFC');
  if (list !== '' && !isList(list)) return refusal(line, 'unknown-list', 'list', list, 'make it first');
  const at = new Date(value('since'));
  return {
    key: address.key,
    reason: plainReason(value('reason')) || reason,
    since: /^(?!0000)\d{4}-/.test(value('since')) && !Number.isNaN(at.getTime()) ? at.toISOString() : null,
    list,
    cause: suppressionCause(value('cause').toLowerCase()) ?? 'import',
  };
}

function plainReason(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, optOutReasonMaximum)
    .toWellFormed()
    .trim();
}
