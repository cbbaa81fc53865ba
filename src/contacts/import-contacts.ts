import { addAbortSignal, type Readable } from 'node:stream';
import type { PoolClient } from 'pg';
import type { Database } from '../db/connect.ts';
import type { CsvDelimiter, CsvRecord } from './csv-records.ts';
import { readTextBlocks } from './csv-text.ts';
import { emptyFile, type ImportHeader, readHeader } from './import-columns.ts';
import { mergeImport } from './import-merge.ts';
import { type ImportRow, isRefused, type RefusalReason, type RefusedRow, readRow } from './import-row.ts';
import { type ImportSource, openSource } from './import-source.ts';
import { openStaging, type Staging } from './import-staging.ts';
import { checkListName } from './list-name.ts';

export interface ImportOptions {
  /** Name of the list that the contacts become members of; created where there is none. */
  readonly list: string;
  /** Default: found by the header. */
  readonly delimiter?: CsvDelimiter | undefined;
  /** Whether `doNotMarket` and `consentRevoked` may be set back to false, and `bounceCount` be lowered. Default false. */
  readonly allowConsentGrant?: boolean | undefined;
  /** Name of the input in messages; default the path. */
  readonly source?: string | undefined;
  /** Told of every refused row, in the order of the file. The import waits for it. */
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
  readonly refused: {
    readonly total: number;
    readonly byReason: Partial<Record<RefusalReason, number>>;
    /** The first 20. */
    readonly first: readonly RefusedRow[];
  };
}

/** How many refused rows a report shows; `onRefused` gets all of them. */
export const refusedShown = 20;

/**
 * Imports contacts from CSV into a list, in memory that does not grow with the input: columns `email` (required),
 * `firstName`, `lastName`, `language`, `doNotMarket`, `consentRevoked`, `bounceCount`; every other column is a facet.
 *
 * - A row that is wrong is refused and reported; the others are imported.
 * - Rows are merged by `emailKey` as if each were imported after the one before it: what a row says replaces what
 *   was known, what it leaves empty stays, facets are merged.
 * - An import never turns a "no" into a "yes": `doNotMarket` and `consentRevoked` that are true stay true, and
 *   `bounceCount` only rises, unless `allowConsentGrant` is given. The opt-out and suppression lists are never changed.
 * - All or nothing: everything happens in one transaction, so whatever ends the import early leaves no trace. Nothing
 *   that others use is locked before all of the input has been read.
 *
 * @throws InputError where the file cannot be read, is no UTF-8 CSV or has no column `email`, or where the name of the
 * list is none.
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
  const staging = await openStaging(client);
  const tally = new RefusalTally(options.onRefused);
  let rows: number;
  try {
    rows = await stageRows(source, staging, tally, options);
    await staging.end();
  } catch (error) {
    staging.abandon();
    throw error;
  }
  options.onProgress?.({ phase: 'merging', rows, bytes: source.bytes ?? 0, totalBytes: source.bytes });
  const { id: listId, created: listCreated } = await listFor(client, options.list);
  const merged = await mergeImport(client, { listId, allowConsentGrant: options.allowConsentGrant === true });
  return {
    list: options.list,
    listCreated,
    read: rows,
    imported: merged.created + merged.updated,
    ...merged,
    refused: tally.report(),
  };
}

/** Reads all of the input into the staging table. @returns the number of rows read, refused ones included. */
async function stageRows(
  source: ImportSource,
  staging: Staging,
  tally: RefusalTally,
  { delimiter, onProgress, signal, source: name = source.name }: ImportOptions,
): Promise<number> {
  let header: ImportHeader | undefined;
  let rows = 0;
  const take = async (records: readonly CsvRecord[], { columns }: ImportHeader) => {
    rows += records.length;
    const accepted: ImportRow[] = [];
    for (const record of records) {
      const row = readRow(record, columns);
      if (isRefused(row)) await tally.add(row);
      else accepted.push(row);
    }
    await staging.add(accepted);
  };
  for await (const block of readTextBlocks(source.stream, name)) {
    signal?.throwIfAborted();
    if (header !== undefined) await take(header.reader.read(block), header);
    else if (block.text.trim() !== '') {
      header = readHeader(block, name, delimiter);
      await take(header.records, header);
    }
    onProgress?.({ phase: 'reading', rows, bytes: block.bytes, totalBytes: source.bytes });
  }
  if (header === undefined) throw emptyFile(name);
  await take(header.reader.end(), header);
  return rows;
}

/** The list, created where there is none; another session that creates it too waits for the end of this transaction. */
async function listFor(client: PoolClient, name: string): Promise<{ id: number; created: boolean }> {
  for (;;) {
    const created = await client.query<{ id: number }>(
      'insert into contact_list (name) values ($1) on conflict (name) do nothing returning id',
      [name],
    );
    if (created.rows[0] !== undefined) return { id: created.rows[0].id, created: true };
    const found = await client.query<{ id: number }>(
      'select id from contact_list where name = $1 for key share',
      [name],
    );
    if (found.rows[0] !== undefined) return { id: found.rows[0].id, created: false };
  }
}

class RefusalTally {
  readonly #onRefused: ImportOptions['onRefused'];
  readonly #byReason: Partial<Record<RefusalReason, number>> = {};
  readonly #first: RefusedRow[] = [];
  #total = 0;

  constructor(onRefused: ImportOptions['onRefused']) {
    this.#onRefused = onRefused;
  }

  async add(row: RefusedRow): Promise<void> {
    this.#total++;
    this.#byReason[row.reason] = (this.#byReason[row.reason] ?? 0) + 1;
    if (this.#first.length < refusedShown) this.#first.push(row);
    await this.#onRefused?.(row);
  }

  report(): ImportReport['refused'] {
    return { total: this.#total, byReason: this.#byReason, first: this.#first };
  }
}
