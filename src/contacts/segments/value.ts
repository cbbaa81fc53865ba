import { type SQL, sql } from 'drizzle-orm';
import { dayPattern } from '../facets/facet-value.ts';

/** Types of values in the database: bigint, double precision, text, boolean, timestamp with time zone. */
export type ValueType = 'int' | 'double' | 'string' | 'bool' | 'timestamp';

/**
 * A part of a condition as SQL. Whatever stands in the database it gives a value or null and never an error: one
 * contact's values must not break a query about all. Null is CEL's error: what the contact lacks, and what cannot be
 * reckoned.
 */
export interface Value {
  readonly type: ValueType;
  readonly sql: SQL;
}

/** A facet whose type follows from what stands beside it. */
export interface FacetReference {
  readonly facet: string;
  /** Where it stands, from 1. */
  readonly character: number;
  /** Told of each type that it is taken for. */
  readonly takenFor: (type: ValueType) => void;
}

export type Operand = Value | FacetReference;

/** Text that is a number which neither the database nor CEL stumbles over: up to 10 to the power of 200. */
const numberPattern = '^[+-]?(\\d{1,100}(\\.\\d{0,100})?|\\.\\d{1,100})([eE][+-]?\\d{1,2})?$';
const wholeNumberPattern = '^[+-]?\\d{1,18}$';

/**
 * The facet as a value of the type; null where the contact's is of another type: what a type's change leaves behind
 * holds for nobody.
 */
export function facetAs(type: ValueType, reference: FacetReference): Value {
  reference.takenFor(type);
  return facetOfType(type, reference.facet);
}

function facetOfType(type: ValueType, facet: string): Value {
  const json = jsonOf(facet);
  const text = sql`(contact.facets ->> ${facet}::text)`;
  switch (type) {
    case 'int':
    case 'double':
      return {
        type: 'double',
        sql: sql`(case when jsonb_typeof(${json}) = 'number' then ${json}::float8 end)`,
      };
    case 'string':
      return {
        type,
        sql: sql`(case when jsonb_typeof(${json}) = 'string' then nullif(${text}, '') end)`,
      };
    case 'bool':
      return {
        type,
        sql: sql`(case ${json} when 'true'::jsonb then true when 'false'::jsonb then false end)`,
      };
    case 'timestamp':
      return {
        type,
        sql: sql`(case when ${text} ~ ${dayPattern} then ${text}::date::timestamp at time zone 'UTC' end)`,
      };
  }
}

function jsonOf(facet: string): SQL {
  return sql`(contact.facets -> ${facet}::text)`;
}

export function hasFacet(facet: string): Value {
  return { type: 'bool', sql: sql`(coalesce(contact.facets ->> ${facet}::text, '') <> '')` };
}

const symbols = { '==': '=', '!=': '<>', '<': '<', '<=': '<=', '>': '>', '>=': '>=' } as const;
export type Comparison = keyof typeof symbols;

/** @param left of the type of `right`, or a number as that is */
export function compare(operator: Comparison, left: Value, right: Value): Value {
  const symbol = sql.raw(symbols[operator]);
  // CEL compares text by code points, whatever the language of the database.
  const collation = left.type === 'string' ? sql` collate "C"` : sql``;
  const [a, b] = isMixed(left, right) ? [asDouble(left), asDouble(right)] : [left, right];
  return { type: 'bool', sql: sql`(${a.sql}${collation} ${symbol} ${b.sql})` };
}

/** Two facets: only values of the same type are compared. */
export function compareFacets(operator: Comparison, left: FacetReference, right: FacetReference): Value {
  const [a, b] = [jsonOf(left.facet), jsonOf(right.facet)];
  const both = (type: string) =>
    sql`jsonb_typeof(${a}) = ${sql.raw(`'${type}'`)} and jsonb_typeof(${b}) = ${sql.raw(`'${type}'`)}`;
  const as = (type: ValueType) =>
    compare(operator, facetOfType(type, left.facet), facetOfType(type, right.facet)).sql;
  const booleans =
    operator === '==' || operator === '!=' ? sql` when ${both('boolean')} then ${as('bool')}` : sql``;
  return {
    type: 'bool',
    sql: sql`(case when ${both('number')} then ${as('double')} when ${both('string')} then ${as('string')}${booleans} end)`,
  };
}

function isMixed(left: Value, right: Value): boolean {
  return left.type !== right.type && isNumber(left.type) && isNumber(right.type);
}

export function isNumber(type: ValueType): boolean {
  return type === 'int' || type === 'double';
}

export function asDouble(value: Value): Value {
  return value.type === 'int' ? { type: 'double', sql: sql`${value.sql}::float8` } : value;
}

/** `int(contact.facets.age)`: of a number, or of text that is one. */
export function facetAsNumber(to: 'int' | 'double', { facet }: FacetReference): Value {
  const number = facetOfType('double', facet).sql;
  const text = facetOfType('string', facet).sql;
  return to === 'int'
    ? { type: 'int', sql: sql`coalesce(${wholeNumberOf(number).sql}, ${wholeNumberOfText(text).sql})` }
    : { type: 'double', sql: sql`coalesce(${number}, ${numberOfText(text).sql})` };
}

/** `double("...")` */
export function numberOfText(text: SQL): Value {
  return {
    type: 'double',
    sql: once(text, (given) => sql`case when ${given} ~ ${numberPattern} then ${given}::float8 end`),
  };
}

/** `int("...")` */
export function wholeNumberOfText(text: SQL): Value {
  return {
    type: 'int',
    sql: once(text, (given) => sql`case when ${given} ~ ${wholeNumberPattern} then ${given}::bigint end`),
  };
}

/** `int(1.5)`: towards zero. */
export function wholeNumberOf(number: SQL): Value {
  return {
    type: 'int',
    sql: once(number, (given) => sql`case when abs(${given}) < 9.2e18 then trunc(${given})::bigint end`),
  };
}

/**
 * Something said twice of a value that is written down once: conditions in one another would grow with each level.
 * OFFSET 0 keeps the planner from doing just that.
 */
export function once(value: SQL, say: (given: SQL) => SQL): SQL {
  return sql`(select ${say(sql`given.v`)} from (select ${value} as v offset 0) given)`;
}
