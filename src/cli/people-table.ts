import { printable } from './printable.ts';
import { table } from './table.ts';

interface Person {
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly language: string;
}

export function peopleTable(people: readonly Person[]): string {
  const rows = people.map((one) => [
    printable(one.email),
    printable(`${one.firstName} ${one.lastName}`.trim()),
    one.language,
  ]);
  return table(rows, ['email', 'name', 'language']);
}
