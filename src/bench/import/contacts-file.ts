import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Columns of the file, as PostgreSQL would call them. */
export const fileColumns = [
  'email',
  'first_name',
  'last_name',
  'language',
  'city',
  'customer_number',
] as const;

const names = ['Ada', 'Zoë', 'Jürgen', 'Grace', 'François', 'Ingrid', 'Tomás', 'Noor', 'Łucja', 'Emil'];
const languages = ['en', 'de', 'de-AT', 'fr', ''];
/** Coprime to any power of ten, so that addresses come in no order. */
const stride = 7_368_787;
const linesPerWrite = 1_000;

/** Writes a CSV file of so many different people, in no order of their addresses: as one comes out of a shop. */
export async function writeContactsFile(file: string, count: number, signal: AbortSignal): Promise<void> {
  await pipeline(Readable.from(lines(count)), createWriteStream(file), { signal });
}

function* lines(count: number): Generator<string> {
  yield `${fileColumns.join(',')}\n`;
  for (let first = 0; first < count; first += linesPerWrite) {
    const length = Math.min(linesPerWrite, count - first);
    yield Array.from({ length }, (_, index) => line(first + index, count)).join('');
  }
}

function line(index: number, count: number): string {
  const n = (index * stride) % count;
  const name = names[n % names.length];
  return `Customer.${n}@mail${n % 50}.example.com,${name},Reader${n},${languages[n % languages.length]},"Town ${n % 997}, North",${n}\n`;
}
