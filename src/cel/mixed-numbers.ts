import type { Environment } from '@marcbachmann/cel-js';

type Numeric = number | bigint;

/**
 * Lets whole and other numbers be compared and reckoned with together: 18 is written for 18.0, and CEL's own checker
 * refuses `contact.facets.age == 18`.
 */
export function mixedNumbers(environment: Environment): Environment {
  const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
  };
  for (const [operator, reckon] of Object.entries(operators)) {
    const handler = (a: Numeric, b: Numeric) => reckon(Number(a), Number(b));
    environment.registerOperator(`int ${operator} double: double`, handler);
    environment.registerOperator(`double ${operator} int: double`, handler);
  }
  // biome-ignore lint/suspicious/noDoubleEquals: 18 and 18n are the same number.
  return environment.registerOperator('int == double: bool', (a: Numeric, b: Numeric) => a == b);
}

/**
 * The same for lists of numbers, for an environment that checks types and evaluates nothing: when it evaluates, CEL finds
 * numbers of either kind in a list by itself, and takes these for a contradiction of it.
 */
export function mixedLists(environment: Environment): Environment {
  const unused = () => undefined;
  return environment
    .registerOperator('double in list<int>: bool', unused)
    .registerOperator('int in list<double>: bool', unused);
}
