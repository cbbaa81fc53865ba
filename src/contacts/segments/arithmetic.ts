import { type SQL, sql } from 'drizzle-orm';
import { asDouble, once, type Value } from './value.ts';

export const arithmeticOperators = ['+', '-', '*', '/', '%'] as const;
export type ArithmeticOperator = (typeof arithmeticOperators)[number];

/** CEL's integers have 64 bits. What leaves them is an error in CEL, and so for nobody. */
const inRange = (value: SQL) =>
  once(
    value,
    (given) =>
      sql`case when ${given} between -9223372036854775808 and 9223372036854775807 then ${given}::bigint end`,
  );

/** Reckons with whole numbers exactly: numeric has room for what does not fit. */
function wholeNumbers(operator: ArithmeticOperator, a: SQL, b: SQL): Value {
  const [left, right] = [sql`${a}::numeric`, sql`${b}::numeric`];
  switch (operator) {
    case '+':
      return { type: 'int', sql: inRange(sql`${left} + ${right}`) };
    case '-':
      return { type: 'int', sql: inRange(sql`${left} - ${right}`) };
    case '*':
      return { type: 'int', sql: inRange(sql`${left} * ${right}`) };
    case '/':
      return { type: 'int', sql: inRange(sql`div(${left}, nullif(${right}, 0))`) };
    case '%':
      return { type: 'int', sql: inRange(sql`mod(${left}, nullif(${right}, 0))`) };
  }
}

/** What of two numbers can be multiplied or divided without leaving what the database reckons with. */
const moderate = (number: SQL) => sql`(${number} = 0 or abs(${number}) between 1e-150 and 1e150)`;

function doubles(operator: Exclude<ArithmeticOperator, '%'>, a: SQL, b: SQL): Value {
  const [left, right] = [sql`given.a`, sql`given.b`];
  const reckon = {
    '+': sql`case when abs(${left}) < 1e307 and abs(${right}) < 1e307 then ${left} + ${right} end`,
    '-': sql`case when abs(${left}) < 1e307 and abs(${right}) < 1e307 then ${left} - ${right} end`,
    '*': sql`case when ${moderate(left)} and ${moderate(right)} then ${left} * ${right} end`,
    '/': sql`case when ${moderate(left)} and ${moderate(right)} and ${right} <> 0 then ${left} / ${right} end`,
  }[operator];
  return {
    type: 'double',
    sql: sql`(select ${reckon} from (select ${a} as a, ${b} as b offset 0) given)`,
  };
}

/** Null where it cannot be reckoned: division by zero, and what is too large or too small. `%` is one of whole numbers. */
export function reckon(operator: ArithmeticOperator, left: Value, right: Value): Value {
  if (operator === '%' || (left.type === 'int' && right.type === 'int')) {
    return wholeNumbers(operator, left.sql, right.sql);
  }
  return doubles(operator, asDouble(left).sql, asDouble(right).sql);
}

export function negative({ type, sql: value }: Value): Value {
  return { type, sql: type === 'int' ? inRange(sql`- (${value}::numeric)`) : sql`(- ${value})` };
}
