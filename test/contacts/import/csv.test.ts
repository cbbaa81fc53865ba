import { Readable } from 'node:stream';
import { parse as oracle } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import {
  type CsvDelimiter,
  CsvReader,
  type CsvRecord,
  csvDelimiters,
} from '../../../src/contacts/import/csv-records.ts';
import { readTextBlocks } from '../../../src/contacts/import/csv-text.ts';
import { InputError } from '../../../src/domain/errors.ts';
import fc from '../../support/fast-check.ts';

/** Reads bytes that arrive cut into pieces of the given length. */
async function read(
  content: string | Buffer,
  { delimiter = ',', piece = 1_000_000 }: { delimiter?: CsvDelimiter; piece?: number } = {},
): Promise<CsvRecord[]> {
  const bytes = Buffer.from(content);
  const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, i) =>
    bytes.subarray(i * piece, (i + 1) * piece),
  );
  const reader = new CsvReader(delimiter);
  const records: CsvRecord[] = [];
  for await (const block of readTextBlocks(Readable.from(pieces), 'test.csv'))
    records.push(...reader.read(block));
  return [...records, ...reader.end()];
}

const fieldsOf = (records: readonly CsvRecord[]) =>
  records.map((record) => ('fields' in record ? record.fields : record));
const faultsOf = (records: readonly CsvRecord[]) =>
  records.flatMap((record) => ('fault' in record ? [`${record.line} ${record.fault}`] : []));

async function errorOf(content: string | Buffer, piece?: number): Promise<InputError> {
  try {
    await read(content, piece === undefined ? {} : { piece });
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('CSV', () => {
  it('is read as an independent parser reads it, wherever the input is cut', async () => {
    const value = fc.string({
      unit: fc.constantFrom('a', 'ß', '健', '😀', '"', ',', ';', '\t', '\n', '\r\n', ' ', "'"),
      maxLength: 6,
    });
    const write = (text: string, delimiter: string, always: boolean) =>
      always || /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 4 }).chain((columns) =>
          fc.array(fc.array(fc.tuple(value, fc.boolean()), { minLength: columns, maxLength: columns }), {
            minLength: 1,
            maxLength: 6,
          }),
        ),
        fc.constantFrom(...csvDelimiters),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.integer({ min: 1, max: 40 }),
        async (rows, delimiter, lineEnd, bom, piece) => {
          const text = rows
            .map((row) => row.map(([cell, always]) => write(cell, delimiter, always)).join(delimiter))
            .join(lineEnd);
          const content = `${bom ? '\ufeff' : ''}${text}${piece % 2 === 0 ? lineEnd : ''}`;
          const expected: string[][] = oracle(content, { delimiter, bom: true, record_delimiter: lineEnd });
          expect(fieldsOf(await read(content, { delimiter, piece }))).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('knows the line on which each record starts', async () => {
    const records = await read('a,b\n\n1,"x\ny\nz"\r\n2,3\n');
    expect(records.map((record) => record.line)).toEqual([1, 3, 6]);
  });

  it('may end its lines in CR alone', async () => {
    for (const piece of [1, 3, 1_000]) {
      expect(fieldsOf(await read('a,b\r1,"x\ry"\r', { piece }))).toEqual([
        ['a', 'b'],
        ['1', 'x\ny'],
      ]);
    }
  });

  it.each([
    ['a quote that is never closed', 'a,b\n"1,2\n3,4\n5,6\n', ['2 bad-quotes']],
    ['a quote that the quotes of a later line would close', 'a,b\n"1,2\n"3",4\n5,6\n', ['2 bad-quotes']],
    ['a quote that would take the next line in as its value', 'a,b\n1,"2\n3,"4"\n5,6\n', ['2 bad-quotes']],
    ['a quote inside a value', 'a,b\n1,x "y" z\n3,4\n5,6\n', ['2 bad-quotes']],
    ['something behind a closing quote', 'a,b\n"1" ,2\n3,4\n5,6\n', ['2 bad-quotes']],
    ['a column too few', 'a,b\n1\n3,4\n5,6\n', ['2 wrong-number-of-columns']],
    ['a column too many', 'a,b\n1,2,3\n3,4\n5,6\n', ['2 wrong-number-of-columns']],
  ])('keeps the damage of %s to its own line', async (_, content, faults) => {
    for (const piece of [1, 7, 1_000]) {
      const records = await read(content, { piece });
      expect(faultsOf(records)).toEqual(faults);
      expect(fieldsOf(records).slice(-2)).toEqual([
        ['3', '4'],
        ['5', '6'],
      ]);
    }
  });

  it('gives a quote up that is still open after 64 KiB', async () => {
    const filler = 'x,y\n'.repeat(40_000);
    const records = await read(`a,b\n"1,2\n${filler}3,4\n`, { piece: 10_000 });
    expect(faultsOf(records)).toEqual(['2 bad-quotes']);
    expect(records).toHaveLength(40_003);
  });

  it('reads any bytes to an end: records, or one error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        async (bytes, piece) => {
          await read(Buffer.from(bytes), { piece }).catch((error) =>
            expect(error).toBeInstanceOf(InputError),
          );
        },
      ),
    );
  });
});

describe('a file that is no UTF-8 text', () => {
  it('is refused with line and byte where Latin-1 stands', async () => {
    const content = Buffer.concat([
      Buffer.from('email\nann@example.com\nJü'),
      Buffer.from([0xe9, 0x6e]),
      Buffer.from('\n'),
    ]);
    for (const piece of [1, 4, 1_000]) {
      const error = await errorOf(content, piece);
      expect(error).toMatchObject({ code: 'CSV_NOT_UTF8', field: 'test.csv:3', value: '0xe9' });
      expect(error.message).toContain('byte 4');
    }
  });

  it('is refused where it ends in the middle of a character', async () => {
    expect(await errorOf(Buffer.from('email\nann é').subarray(0, -1))).toMatchObject({
      code: 'CSV_NOT_UTF8',
      field: 'test.csv:2',
    });
  });

  it('is refused by name where it is UTF-16', async () => {
    const error = await errorOf(Buffer.from('\ufeffemail\nann@example.com\n', 'utf16le'));
    expect(error).toMatchObject({ code: 'CSV_NOT_UTF8' });
    expect(error.message).toContain('UTF-16');
  });

  it('is refused where it is binary', async () => {
    expect(await errorOf(Buffer.from('PK\u0003\u0004\n\u0000\u0000'))).toMatchObject({
      code: 'CSV_BINARY',
      field: 'test.csv:2',
    });
  });

  it('is refused where it has no lines', async () => {
    expect(await errorOf(Buffer.alloc(3_000_000, 0x61), 65_536)).toMatchObject({ code: 'CSV_LINE_TOO_LONG' });
  });
});
