import { sql } from 'drizzle-orm';
import { once, type Value } from './value.ts';

/** What String.prototype.trim takes away: Unicode's white space and line ends. */
const blanks =
  '\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff';
const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const lower = upper.toLowerCase();

type TextMethod = (text: Value['sql'], argument: Value['sql']) => Value;

const bool = (sqlText: Value['sql']): Value => ({ type: 'bool', sql: sqlText });
const string = (sqlText: Value['sql']): Value => ({ type: 'string', sql: sqlText });
const int = (sqlText: Value['sql']): Value => ({ type: 'int', sql: sqlText });

/** CEL's, exactly: no pattern means anything but itself, size and places are in code points, case is that of ASCII alone. */
export const methodsWithText = {
  contains: (text, part) => bool(sql`(strpos(${text}, ${part}) > 0)`),
  startsWith: (text, part) => bool(sql`starts_with(${text}, ${part})`),
  endsWith: (text, part) => bool(sql`starts_with(reverse(${text}), reverse(${part}))`),
  indexOf: (text, part) => int(sql`(strpos(${text}, ${part}) - 1)::bigint`),
} satisfies Readonly<Record<string, TextMethod>>;

export const methodsOfText = {
  lowerAscii: (text) => string(sql`translate(${text}, ${upper}, ${lower})`),
  upperAscii: (text) => string(sql`translate(${text}, ${lower}, ${upper})`),
  trim: (text) => string(sql`btrim(${text}, ${blanks})`),
  size: (text) => int(sql`length(${text})::bigint`),
} satisfies Readonly<Record<string, (text: Value['sql']) => Value>>;

/** Null where the text is shorter: CEL's error. */
export function substring(text: Value['sql'], start: number, end: number | undefined): Value {
  return string(
    once(text, (given) =>
      end === undefined
        ? sql`case when length(${given}) >= ${start}::int then substr(${given}, ${start + 1}::int) end`
        : sql`case when length(${given}) >= ${end}::int then substr(${given}, ${start + 1}::int, ${end - start}::int) end`,
    ),
  );
}
