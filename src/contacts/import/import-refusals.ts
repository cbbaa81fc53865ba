import type { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { type SuppressionCause, suppressionCause } from '../../domain/suppression.ts';
import { parseEmailAddress } from '../addresses/email-address.ts';
import { optOutReasonMaximum } from '../consent/opt-out.ts';
import { putOnSuppressionList } from '../consent/put-on-suppression-list.ts';
import { isNewOptOut, saidAgain } from '../consent/said-again.ts';
import { findList } from '../lists/lists.ts';
import type { CsvDelimiter, CsvRecord } from './csv-records.ts';
import type { ImportColumns } from './import-columns.ts';
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
 * an import of contacts: a wrong row is refused and reported, and whatever ends it early leaves no trace.
 */
export async function importSuppression(
  db: Database,
  input: Readable | string,
  options: ImportRefusalsOptions,
): Promise<RefusalsReport> {
  return await importRows(db, input, options, async (tx, rows) => {
    const { added } = await putOnSuppressionList(
      tx,
      sql`select key, cause, reason, since from ${asTable(rows)}`,
    );
    return added;
  });
}

/**
 * Opts addresses out from CSV with the column `email`, and `list`, `reason` and `since` where there are any: of the list that
 * the row names, else of `list`, else of all mail.
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
  return await importRows(
    db,
    input,
    options,
    async (tx, rows) => {
      const listed = rows.map((row, place) => ({
        ...row,
        place,
        listId: row.list === '' ? ofAll : lists.get(row.list),
      }));
      const global = await tx.execute<Put>(sql`
        insert into global_opt_out (email_key, reason, created_at)
        select distinct on (key) key, reason, coalesce(since, now())
          from ${asTable(listed.filter((row) => row.listId === undefined))} order by key, place
        ${sql.raw(saidAgain('global_opt_out'))} returning ${sql.raw(isNewOptOut)}`);
      const single = await tx.execute<Put>(sql`
        insert into list_opt_out (list_id, email_key, reason, created_at)
        select distinct on ("listId", key) "listId", key, reason, coalesce(since, now())
          from ${asTable(listed.filter((row) => row.listId !== undefined))} order by "listId", key, place
        ${sql.raw(saidAgain('list_opt_out'))} returning ${sql.raw(isNewOptOut)}`);
      return [...global.rows, ...single.rows].filter((row) => row.is_new).length;
    },
    (name) => lists.has(name),
  );
}

type Put = { is_new: boolean };

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

const asTable = (rows: readonly Row[]) =>
  sql`json_to_recordset(${JSON.stringify(rows)}::json) as e(key text, cause text, reason text, since timestamptz, "listId" int, place int)`;

/** Rows of one statement. */
const rowsAtATime = 5_000;

async function importRows(
  db: Database,
  input: Readable | string,
  { reason, delimiter, source: name, onRefused }: ImportRefusalsOptions,
  add: (tx: Queries, rows: readonly Row[]) => Promise<number>,
  isList: (name: string) => boolean = () => true,
): Promise<RefusalsReport> {
  const source = await openSource(input, name);
  const tally = new RefusalTally(onRefused);
  try {
    return await db.transaction(async (tx) => {
      const report = { read: 0, added: 0, known: 0 };
      let rows: Row[] = [];
      const flush = async () => {
        const added = rows.length === 0 ? 0 : await add(tx, rows);
        report.added += added;
        report.known += rows.length - added;
        rows = [];
      };
      for await (const { records, columns } of readCsv(source.stream, name ?? source.name, delimiter)) {
        report.read += records.length;
        for (const record of records) {
          const row = readRow(record, columns, reason, isList);
          if ('detail' in row) await tally.add(row);
          else rows.push(row);
          if (rows.length >= rowsAtATime) await flush();
        }
      }
      await flush();
      return { ...report, refused: tally.report() };
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
