import { expect, it } from 'vitest';
import { float8Array, int4Array, int8Array, textArray } from '../../src/db/binary-array.ts';
import { useTestDatabase } from '../support/database.ts';

const database = useTestDatabase({ content: 'empty' });

/** The array as the server has understood it. */
async function asRead(array: Buffer, type: string): Promise<unknown> {
  const { rows } = await database.db.$client.query(`select to_json($1::${type}[]) as read`, [array]);
  return rows[0]?.read;
}

it('are read by the server as what they were made of', async () => {
  const whole = [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)];
  expect(await asRead(int4Array(whole), 'int4')).toEqual(whole);
  const large = [...whole, 2 ** 32, 2 ** 32 + 1, -(2 ** 32) - 1, 2 ** 53 - 1, -(2 ** 53) + 1];
  expect(await asRead(int8Array(large), 'int8')).toEqual(large);
  const numbers = [...large, 0.1, 1_795_355_312.123, 5e-324];
  expect(await asRead(float8Array(numbers), 'float8')).toEqual(numbers);
  const texts = ['', 'a', null, '{"b",\\NULL}', 'NULL', 'Ø 中 😀', null, 'x'.repeat(100_000)];
  expect(await asRead(textArray(texts), 'text')).toEqual(texts);
  expect(await asRead(textArray(['\ud800']), 'text')).toEqual(['\ufffd']);
});

it('may be empty', async () => {
  expect(await asRead(int4Array([]), 'int4')).toEqual([]);
  expect(await asRead(int8Array([]), 'int8')).toEqual([]);
  expect(await asRead(float8Array([]), 'float8')).toEqual([]);
  expect(await asRead(textArray([]), 'text')).toEqual([]);
});
