import type { TextBlock } from './csv-text.ts';

/** The delimiters that are recognised. */
export const csvDelimiters = [',', ';', '\t'] as const;
export type CsvDelimiter = (typeof csvDelimiters)[number];

/** A quoted value that is still open after so many characters is a missing quote, not a value. */
export const recordMaximumLength = 64 * 1024;

export type CsvRecord =
  | { readonly line: number; readonly fields: readonly string[] }
  | { readonly line: number; readonly fault: CsvFault; readonly text: string };

export type CsvFault = 'bad-quotes' | 'wrong-number-of-columns';

/**
 * Reads CSV as RFC 4180 has it, block by block. Blank lines are not records.
 *
 * Damage stays where it is: a quote that is never closed, or closed in the middle of a value, is the fault of its
 * first line alone, and reading goes on with the next line. This is why it is not a general CSV parser, for which
 * such a quote swallows what follows, to the end of the file in the worst case.
 */
export class CsvReader {
  readonly #delimiter: CsvDelimiter;
  /** As many as the first record has. */
  #columns: number | undefined;
  /** Start of a record whose quoted value goes on in the next block. */
  #open: { text: string; line: number } | undefined;

  constructor(delimiter: CsvDelimiter) {
    this.#delimiter = delimiter;
  }

  /** The records that end in this block. */
  read(block: TextBlock): CsvRecord[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined
      ? this.#records(block.text, block.line, false)
      : this.#records(open.text + block.text, open.line, false);
  }

  /** The records that were waiting for a closing quote which never came. */
  end(): CsvRecord[] {
    const open = this.#open;
    this.#open = undefined;
    return open === undefined ? [] : this.#records(open.text, open.line, true);
  }

  #records(text: string, firstLine: number, last: boolean): CsvRecord[] {
    const records: CsvRecord[] = [];
    let line = firstLine;
    let start = 0;
    let quote = nextIndex(text, '"', 0);
    while (start < text.length) {
      const lineFeed = text.indexOf('\n', start);
      const next = lineFeed < 0 ? text.length : lineFeed + 1;
      const end = endOfLine(text, start, lineFeed < 0 ? text.length : lineFeed);
      if (quote < start) quote = nextIndex(text, '"', start);
      if (quote >= end) {
        if (end > start)
          records.push(this.#checked(line, text.slice(start, end).split(this.#delimiter), text, start, end));
        line++;
        start = next;
        continue;
      }
      const record = readQuotedRecord(text, start, this.#delimiter);
      if (record === 'open' && !last && text.length - start <= recordMaximumLength) {
        this.#open = { text: text.slice(start), line };
        return records;
      }
      const whole =
        typeof record === 'object' &&
        (record.lines === 1 || record.fields.length === this.#columnsOr(record));
      if (whole) {
        records.push(this.#checked(line, record.fields, text, start, end));
        line += record.lines;
        start = record.next;
      } else {
        records.push({ line, fault: 'bad-quotes', text: text.slice(start, end) });
        line++;
        start = next;
      }
    }
    return records;
  }

  #checked(line: number, fields: string[], text: string, start: number, end: number): CsvRecord {
    this.#columns ??= fields.length;
    return fields.length === this.#columns
      ? { line, fields }
      : { line, fault: 'wrong-number-of-columns', text: text.slice(start, end) };
  }

  #columnsOr(record: QuotedRecord): number {
    return this.#columns ?? record.fields.length;
  }
}

interface QuotedRecord {
  readonly fields: string[];
  /** Where the next record starts. */
  readonly next: number;
  /** Lines of the file that it takes. */
  readonly lines: number;
}

/** @returns the record; `open` where the text ends in a quoted value; `broken` where a quote stands where none may. */
function readQuotedRecord(text: string, start: number, delimiter: string): QuotedRecord | 'open' | 'broken' {
  const fields: string[] = [];
  let lines = 1;
  let at = start;
  for (;;) {
    let value: string;
    if (text[at] === '"') {
      const close = closingQuote(text, at + 1);
      if (close < 0) return 'open';
      if (close - start > recordMaximumLength) return 'broken';
      value = text.slice(at + 1, close);
      if (value.includes('"')) value = value.replaceAll('""', '"');
      for (let i = value.indexOf('\n'); i >= 0; i = value.indexOf('\n', i + 1)) lines++;
      at = close + 1;
    } else {
      const lineFeed = nextIndex(text, '\n', at);
      const end = Math.min(nextIndex(text, delimiter, at), endOfLine(text, at, lineFeed));
      value = text.slice(at, end);
      if (value.includes('"')) return 'broken';
      at = end;
    }
    fields.push(value);
    if (text[at] === delimiter) {
      at++;
      continue;
    }
    if (text[at] === '\r') at++;
    if (at === text.length || text[at] === '\n') return { fields, next: at + 1, lines };
    return 'broken';
  }
}

/** The next quote that is not doubled; -1 where there is none. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

/** End of the line without the CR of a CRLF. */
function endOfLine(text: string, start: number, lineFeed: number): number {
  return lineFeed > start && text[lineFeed - 1] === '\r' ? lineFeed - 1 : lineFeed;
}

function nextIndex(text: string, search: string, from: number): number {
  const at = text.indexOf(search, from);
  return at < 0 ? text.length : at;
}
