import { InputError } from '../../domain/errors.ts';
import type { FacetType } from '../../domain/facet.ts';
import type { FacetTypes } from '../facets/facet-types.ts';
import { type CsvDelimiter, CsvReader, type CsvRecord, csvDelimiters } from './csv-records.ts';
import type { TextBlock } from './csv-text.ts';

/** Columns with a meaning of their own. Any other column is a facet. */
export const contactColumns = [
  'email',
  'firstName',
  'lastName',
  'language',
  'doNotMarket',
  'consentRevoked',
  'bounceCount',
] as const;
export type ContactColumn = (typeof contactColumns)[number];

export const columnsMaximum = 200;
export const columnNameMaximum = 100;

/** What each column of the file is, by its place. */
export interface ImportColumns {
  readonly count: number;
  readonly index: Readonly<Partial<Record<ContactColumn, number>>>;
  readonly facets: readonly ImportFacet[];
}

export interface ImportFacet {
  readonly name: string;
  readonly index: number;
  readonly type: FacetType;
}

export interface ImportHeader {
  readonly columns: ImportColumns;
  readonly delimiter: CsvDelimiter;
  /** Reads on after the header; already has what stood in the first block. */
  readonly reader: CsvReader;
  readonly records: readonly CsvRecord[];
}

/**
 * Reads the header from the start of the file, and finds the delimiter by it unless given: the one that makes the
 * most columns.
 * @param block the first one that is not blank.
 * @param types of facets that are not text.
 * @throws InputError where there is no usable header; it names file, line and column.
 */
export function readHeader(
  block: TextBlock,
  source: string,
  delimiter: CsvDelimiter | undefined,
  types: FacetTypes = new Map(),
): ImportHeader {
  const candidates = (delimiter === undefined ? csvDelimiters : [delimiter]).map((candidate) => {
    const reader = new CsvReader(candidate);
    const records = reader.read(block);
    // A header that is still open at the end of the block is not going to close.
    if (records.length === 0) records.push(...reader.end());
    return { delimiter: candidate, reader, records };
  });
  const width = ({ records: [first] }: { records: readonly CsvRecord[] }) =>
    first !== undefined && 'fields' in first ? first.fields.length : 0;
  const best = candidates.reduce((a, b) => (width(b) > width(a) ? b : a));
  const [header, ...records] = best.records;
  if (header === undefined) throw emptyFile(source);
  if ('fault' in header) {
    throw new InputError('CSV_HEADER', `The header of ${source} cannot be read: ${header.fault}.`, {
      field: `${source}:${header.line}`,
      value: header.text,
      hint: 'The first line must name the columns, one of them "email".',
    });
  }
  return {
    columns: columnsOf(header.fields, `${source}:${header.line}`, types),
    delimiter: best.delimiter,
    reader: best.reader,
    records,
  };
}

export function emptyFile(source: string): InputError {
  return new InputError('CSV_EMPTY', `${source} is empty.`, {
    field: source,
    hint: 'The first line must name the columns, one of them "email".',
  });
}

/** `First Name`, `first_name` and `firstName` are the same column. */
function columnKey(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, '');
}

const knownColumns = new Map(contactColumns.map((column) => [columnKey(column), column]));

/** The column with a meaning of its own that this is a name of; undefined where it is one of a facet. */
export function contactColumnOf(name: string): ContactColumn | undefined {
  return knownColumns.get(columnKey(name));
}

/**
 * Whether a column, which is kept as a facet, sounds as if it said "no": other programs write opt-outs beside the contacts,
 * and a facet leaves nobody out.
 */
export function soundsLikeNo(name: string): boolean {
  return /unsub|opt(?:ed)?out|donot|dont(?:e?mail|contact)|noe?mail|suppress|bounced|complain|revoked|blacklist|blocklist/.test(
    columnKey(name),
  );
}

/** The first two names of which an import would say that they are the same. */
export function twiceNamed(names: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    const before = seen.get(columnKey(name));
    if (before !== undefined) return [before, name];
    seen.set(columnKey(name), name);
  }
  return undefined;
}

function columnsOf(names: readonly string[], where: string, types: FacetTypes): ImportColumns {
  if (names.length > columnsMaximum) {
    throw new InputError(
      'CSV_HEADER',
      `The header has ${names.length} columns; ${columnsMaximum} are allowed.`,
      {
        field: where,
        hint: 'Leave out columns that no message needs.',
      },
    );
  }
  const index: Partial<Record<ContactColumn, number>> = {};
  const facets: ImportFacet[] = [];
  const seen = new Map<string, number>();
  for (const [at, given] of names.entries()) {
    const name = given.trim();
    checkName(name, at, where);
    const key = columnKey(name);
    const before = seen.get(key);
    if (before !== undefined) {
      throw new InputError(
        'CSV_COLUMN_TWICE',
        `Columns ${before + 1} and ${at + 1} have the same name; upper and lower case, spaces, _ and - make no difference.`,
        { field: where, value: name, hint: 'Name each column differently.' },
      );
    }
    seen.set(key, at);
    const known = knownColumns.get(key);
    if (known === undefined) facets.push({ name, index: at, type: types.get(name) ?? 'text' });
    else index[known] = at;
  }
  if (index.email === undefined) {
    throw new InputError('CSV_NO_EMAIL_COLUMN', 'The header names no column "email".', {
      field: where,
      value: names.join(', '),
      hint: 'Name the column of the addresses "email". The delimiter may be a comma, a semicolon or a tab.',
    });
  }
  return { count: names.length, index, facets };
}

function checkName(name: string, at: number, where: string): void {
  const wrong =
    name === ''
      ? 'has no name'
      : name.length > columnNameMaximum
        ? `has a name of more than ${columnNameMaximum} characters`
        : /[\p{Cc}\u2028\u2029]/u.test(name)
          ? 'has a control character in its name'
          : name === '__proto__'
            ? 'has a name that is not allowed'
            : undefined;
  if (wrong === undefined) return;
  throw new InputError('CSV_HEADER', `Column ${at + 1} of the header ${wrong}.`, {
    field: where,
    value: name.slice(0, columnNameMaximum),
    hint: 'The first line must name the columns, one of them "email".',
  });
}
