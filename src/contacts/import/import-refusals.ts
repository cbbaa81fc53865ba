import type { Readable } from 'node:stream';
import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { type SuppressionCause, suppressionCause } from '../../domain/suppression.ts';
import { parseEmailAddress } from '../addresses/email-address.ts';
import { optOutReasonMaximum } from '../consent/opt-out.ts';
import { laterLists } from '../lists/list-name.ts';
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

interface RefusalKind {
  /** Locks what comes before `mergeLock` in the order of locks. */
  readonly hold?: (tx: Queries) => Promise<void>;
  /** Enters what was staged. @returns how many are new */
  readonly enter: (tx: Queries) => Promise<number>;
  /** Whether rows may name that list. */
  readonly isList?: (name: string) => boolean;
  /** Null: all mail. */
  readonly listIdOf?: (name: string) => number | null;
}

/**
 * Stages rows of a file, each of which is a "no" to an address, and enters them as its kind says: all of them or, whatever
 * ends it early, none.
 */
export async function importRefusals(
  db: Database,
  input: Readable | string,
  { reason, delimiter, source: name, onRefused }: ImportRefusalsOptions,
  { hold, enter, isList = () => true, listIdOf = () => null }: RefusalKind,
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
      await hold?.(tx);
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
