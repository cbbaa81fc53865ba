import type { ASTNode } from '@marcbachmann/cel-js';
import { type SQL, sql } from 'drizzle-orm';
import { textParameter } from './constants.ts';
import { Uncompilable } from './uncompilable.ts';
import {
  asDouble,
  facetAs,
  isNumber,
  numberOfText,
  type Operand,
  type Value,
  type ValueType,
  wholeNumberOf,
  wholeNumberOfText,
} from './value.ts';

/** Fields of a contact that are columns. */
export const columns: Readonly<Record<string, Value>> = {
  id: { type: 'int', sql: sql`contact.id` },
  email: { type: 'string', sql: sql`nullif(contact.email, '')` },
  firstName: { type: 'string', sql: sql`nullif(contact.first_name, '')` },
  lastName: { type: 'string', sql: sql`nullif(contact.last_name, '')` },
  language: { type: 'string', sql: sql`nullif(contact.language, '')` },
  createdAt: { type: 'timestamp', sql: sql`contact.created_at` },
  bounceCount: { type: 'int', sql: sql`contact.bounce_count::bigint` },
};

/** Parts of a timestamp, in UTC, as CEL counts them. */
export const timeParts: Readonly<Record<string, (at: SQL) => SQL>> = {
  getFullYear: (at) => sql`extract(year from ${at})::bigint`,
  getMonth: (at) => sql`(extract(month from ${at})::bigint - 1)`,
  getDate: (at) => sql`extract(day from ${at})::bigint`,
  getDayOfMonth: (at) => sql`(extract(day from ${at})::bigint - 1)`,
  getDayOfWeek: (at) => sql`extract(dow from ${at})::bigint`,
};

export const typeWords: Readonly<Record<ValueType, string>> = {
  int: 'a number',
  double: 'a number',
  string: 'text',
  bool: 'true or false',
  timestamp: 'a time',
};

/** Both of one type, or both numbers: a facet is taken for what stands beside it. */
export function ofOneType(left: Operand, right: Operand, place: ASTNode): [Value, Value] {
  const [a, b] = resolved(left, right, place);
  if (a.type === b.type || (isNumber(a.type) && isNumber(b.type))) return [a, b];
  throw new Uncompilable(place, `puts ${typeWords[a.type]} and ${typeWords[b.type]} together`);
}

/** `int(...)` and `double(...)` */
export function converted(to: 'int' | 'double', value: Value, place: ASTNode): Value {
  switch (value.type) {
    case 'string':
      return to === 'int' ? wholeNumberOfText(value.sql) : numberOfText(value.sql);
    case 'int':
      return to === 'int' ? value : asDouble(value);
    case 'double':
      return to === 'double' ? value : wholeNumberOf(value.sql);
    default:
      throw new Uncompilable(place, `makes a number of ${typeWords[value.type]}`);
  }
}

function resolved(left: Operand, right: Operand, place: ASTNode): [Value, Value] {
  if ('facet' in left) {
    if ('facet' in right)
      throw new Uncompilable(place, 'puts two facets together, whose types are not known here');
    return [facetAs(right.type, left), right];
  }
  return [left, 'facet' in right ? facetAs(left.type, right) : right];
}

export function numeric(operand: Operand, node: ASTNode): Value {
  const value = 'facet' in operand ? facetAs('double', operand) : operand;
  if (isNumber(value.type)) return value;
  throw new Uncompilable(
    node,
    `reckons with ${typeWords[value.type]}`,
    'Write double(contact.facets.age) for text that is a number.',
  );
}

export function literal(node: ASTNode, value: unknown): Value {
  switch (typeof value) {
    case 'string':
      return { type: 'string', sql: sql`${textParameter(node, value)}::text` };
    case 'boolean':
      return { type: 'bool', sql: value ? sql`true` : sql`false` };
    case 'bigint':
      if (BigInt.asIntN(64, value) === value) return { type: 'int', sql: sql`${String(value)}::bigint` };
      throw new Uncompilable(node, 'has a whole number of more than 64 bits', 'Nothing counts so far.');
    case 'number':
      return { type: 'double', sql: sql`${String(value)}::float8` };
    default:
      throw new Uncompilable(
        node,
        'has a value that segments do not have',
        'Values are text in quotes, numbers, true and false.',
      );
  }
}
