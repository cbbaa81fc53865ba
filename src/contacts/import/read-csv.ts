import type { Readable } from 'node:stream';
import type { FacetTypes } from '../facets/facet-types.ts';
import type { CsvDelimiter, CsvRecord } from './csv-records.ts';
import { readTextBlocks } from './csv-text.ts';
import { emptyFile, type ImportColumns, type ImportHeader, readHeader } from './import-columns.ts';

export interface CsvBlock {
  /** The next records after the header. */
  readonly records: readonly CsvRecord[];
  readonly columns: ImportColumns;
  /** Bytes of the file that were read. */
  readonly bytes: number;
}

/**
 * Reads a CSV file with a header, block by block, in bounded memory.
 *
 * @param delimiter undefined: found by the header
 * @param types of facets that are not text
 * @throws InputError where it is no UTF-8 CSV or has no column `email`
 */
export async function* readCsv(
  stream: Readable,
  name: string,
  delimiter: CsvDelimiter | undefined,
  types?: FacetTypes,
): AsyncGenerator<CsvBlock> {
  let header: ImportHeader | undefined;
  let bytes = 0;
  for await (const block of readTextBlocks(stream, name)) {
    bytes = block.bytes;
    let records: readonly CsvRecord[] = [];
    if (header !== undefined) records = header.reader.read(block);
    else if (block.text.trim() !== '') {
      header = readHeader(block, name, delimiter, types);
      records = header.records;
    }
    if (header !== undefined) yield { records, columns: header.columns, bytes };
  }
  if (header === undefined) throw emptyFile(name);
  yield { records: header.reader.end(), columns: header.columns, bytes };
}
