import { addAbortSignal, type Readable } from 'node:stream';
import { drizzle } from 'drizzle-orm/node-postgres';
import type { PoolClient } from 'pg';
import type { Database, Queries } from '../../db/connect.ts';
import * as schema from '../../db/schema.ts';
import { RefusedError } from '../../domain/errors.ts';
import { optOutGeneralNo } from '../consent/general-no.ts';
import { type FacetTypes, holdFacetTypes, readFacetTypes } from '../facets/facet-types.ts';
import { checkListName } from '../lists/list-name.ts';
import { listIsSegmented } from '../lists/static-list.ts';
import type { CsvDelimiter } from './csv-records.ts';
import { soundsLikeNo } from './import-columns.ts';
import { mergeImport } from './import-merge.ts';
import { type ImportRow, isRefused, type RefusedRow, readRow, refusal } from './import-row.ts';
import { type ImportSource, openSource } from './import-source.ts';
import { openStaging, type Staging } from './import-staging.ts';
import { readCsv } from './read-csv.ts';
import { RefusalTally, type RefusedRows } from './refusal-tally.ts';

export interface ImportOptions {
  /** Name of the list that the contacts become members of; created where there is none. */
  readonly list: string;
  /** Default: found by the header. */
  readonly delimiter?: CsvDelimiter | undefined;
  /** Whether `doNotMarket` and `consentRevoked` may be set back to false, and `bounceCount` be lowered. Default false. */
  readonly allowConsentGrant?: boolean | undefined;
  /** Whether who was erased (`forgetContact`) is made a contact again: only where they came back by themselves. Default false. */
  readonly allowForgotten?: boolean | undefined;
  /** Name of the input in messages; default the path. */
  readonly source?: string | undefined;
  /** Told of every refused row, in the order of the file; of those who were erased at the end. The import waits for it. */
  readonly onRefused?: ((row: RefusedRow) => void | Promise<void>) | undefined;
  readonly onProgress?: ((progress: ImportProgress) => void) | undefined;
  /** Breaks the import off; nothing of it stays. */
  readonly signal?: AbortSignal | undefined;
}

export interface ImportProgress {
  /** `reading` the file, or `merging` all of it into the contacts at the end. */
  readonly phase: 'reading' | 'merging';
  readonly rows: number;
  readonly bytes: number;
  /** Undefined where the length of the input is unknown. */
  readonly totalBytes: number | undefined;
}

export interface ImportReport {
  readonly list: string;
  readonly listCreated: boolean;
  /** Rows of the file without the header: imported + duplicates + refused.total. */
  readonly read: number;
  /** Contacts: created + updated. */
  readonly imported: number;
  readonly created: number;
  /** Contacts that existed before, whether or not the file said anything new of them. */
  readonly updated: number;
  /** Rows whose address stands in a later row again. */
  readonly duplicates: number;
  readonly refused: RefusedRows;
  /** Columns that may have been meant otherwise than they were taken. */
  readonly warnings: readonly string[];
}

/**
 * Imports contacts from CSV into a list, in memory that does not grow with the input: columns `email` (required),
 * `firstName`, `lastName`, `language`, `doNotMarket`, `consentRevoked`, `bounceCount`; every other column is a facet.
 * A facet that has a type is stored as a value of it (a JSON number, true or false, a day); a row with another value is refused.
 *
 * - A row that is wrong is refused and reported; the others are imported.
 * - Rows are merged by `emailKey` as if each were imported after the one before it: what a row says replaces what
 *   was known, what it leaves empty stays, facets are merged.
 * - An import never turns a "no" into a "yes": `doNotMarket` and `consentRevoked` that are true stay true, and
 *   `bounceCount` only rises, unless `allowConsentGrant` is given. The opt-out and suppression lists are never changed.
 * - Who was erased is not made a contact again, unless `allowForgotten` is given.
 * - All or nothing: everything happens in one transaction, so whatever ends the import early leaves no trace. Nothing
 *   that others use is locked before all of the input has been read.
 *
 * @throws InputError where the file cannot be read, is no UTF-8 CSV or has no column `email`, or where the name of the
 * list is none or that of a segment.
 */
export async function importContacts(
  db: Database,
  input: Readable | string,
  options: ImportOptions,
): Promise<ImportReport> {
  const list = checkListName(options.list);
  const source = await openSource(input, options.source);
  const client = await db.$client.connect().catch((error) => {
    source.stream.destroy();
    throw error;
  });
  let broken = false;
  try {
    // It may be broken off before anybody reads from it; whoever does then is told.
    source.stream.on('error', () => undefined);
    if (options.signal !== undefined) addAbortSignal(options.signal, source.stream);
    await client.query('begin');
    const report = await importInto(client, source, { ...options, list });
    options.signal?.throwIfAborted();
    await client.query('commit');
    if (report.imported >= analyseFrom)
      await client.query('analyze contact, list_member').catch(() => undefined);
    return report;
  } catch (error) {
    // A connection that was broken off in the middle of a COPY is not worth saving, and its end rolls back too.
    broken = true;
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    source.stream.destroy();
    client.release(broken);
  }
}

/** From so many contacts on the planner is told at once what has changed, not when autovacuum comes by. */
const analyseFrom = 1_000;

async function importInto(
  client: PoolClient,
  source: ImportSource,
  options: ImportOptions,
): Promise<ImportReport> {
  const queries: Queries = drizzle(client, { schema });
  await refuseSegment(client, options.list);
  const types = await readFacetTypes(queries);
  const staging = await openStaging(client);
  const tally = new RefusalTally(options.onRefused);
  let rows: number;
  let facets: readonly string[];
  try {
    ({ rows, facets } = await stageRows(source, staging, tally, types, options));
    await staging.end();
  } catch (error) {
    staging.abandon();
    throw error;
  }
  options.onProgress?.({ phase: 'merging', rows, bytes: source.bytes ?? 0, totalBytes: source.bytes });
  await holdFacetTypes(queries);
  requireSameTypes(types, await readFacetTypes(queries));
  const { id: listId, created: listCreated } = await listFor(client, options.list);
  const { forgotten, ...merged } = await mergeImport(client, {
    listId,
    allowConsentGrant: options.allowConsentGrant === true,
    allowForgotten: options.allowForgotten === true,
  });
  if (listCreated) await optOutGeneralNo(queries, listId);
  for (const { line, email } of forgotten) {
    await tally.add(refusal(line, 'forgotten', 'email', email, 'this person was erased'));
  }
  return {
    list: options.list,
    listCreated,
    read: rows,
    imported: merged.created + merged.updated,
    ...merged,
    refused: tally.report(),
    warnings: facets.filter(soundsLikeNo).map(warnOfNo),
  };
}

function warnOfNo(name: string): string {
  return `the column "${name}" was kept as a facet, which leaves nobody out. A "no" is said by the columns doNotMarket and consentRevoked, by "exm contact opt-out --file" and by "exm suppression import".`;
}

/** Reads all of the input into the staging table. @returns the number of rows read, refused ones included, and the names of the facets. */
async function stageRows(
  source: ImportSource,
  staging: Staging,
  tally: RefusalTally,
  types: FacetTypes,
  { delimiter, onProgress, signal, source: name = source.name }: ImportOptions,
): Promise<{ readonly rows: number; readonly facets: readonly string[] }> {
  let rows = 0;
  let facets: readonly string[] = [];
  for await (const { records, columns, bytes } of readCsv(source.stream, name, delimiter, types)) {
    signal?.throwIfAborted();
    rows += records.length;
    facets = columns.facets.map(({ name }) => name);
    const accepted: ImportRow[] = [];
    for (const record of records) {
      const row = readRow(record, columns);
      if (isRefused(row)) await tally.add(row);
      else accepted.push(row);
    }
    await staging.add(accepted);
    onProgress?.({ phase: 'reading', rows, bytes, totalBytes: source.bytes });
  }
  return { rows, facets };
}

/** The rows were read by the types that facets had at the beginning. @throws RefusedError FACET_CHANGED */
function requireSameTypes(before: FacetTypes, now: FacetTypes): void {
  const changed = [...new Set([...before.keys(), ...now.keys()])].find(
    (name) => before.get(name) !== now.get(name),
  );
  if (changed === undefined) return;
  throw new RefusedError(
    'FACET_CHANGED',
    `The facet "${changed}" got another type while the file was read.`,
    {
      field: changed,
      value: now.get(changed) ?? 'text',
      hint: 'Nothing was imported: import the file again.',
    },
  );
}

/** The list, created where there is none; another session that creates it too waits for the end of this transaction. */
async function listFor(client: PoolClient, name: string): Promise<{ id: number; created: boolean }> {
  for (;;) {
    const created = await client.query<{ id: number }>(
      'insert into contact_list (name) values ($1) on conflict (name) do nothing returning id',
      [name],
    );
    if (created.rows[0] !== undefined) return { id: created.rows[0].id, created: true };
    const found = await client.query<{ id: number; is_segment: boolean }>(
      'select id, expression is not null as is_segment from contact_list where name = $1 for key share',
      [name],
    );
    const [list] = found.rows;
    if (list?.is_segment) throw listIsSegmented(name, '--list');
    if (list !== undefined) return { id: list.id, created: false };
  }
}

/** @throws RefusedError LIST_SEGMENTED before anything has been read */
async function refuseSegment(client: PoolClient, name: string): Promise<void> {
  const { rowCount } = await client.query(
    'select from contact_list where name = $1 and expression is not null',
    [name],
  );
  if (rowCount !== 0) throw listIsSegmented(name, '--list');
}
