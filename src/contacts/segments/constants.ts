import type { ASTNode } from '@marcbachmann/cel-js';
import { sql } from 'drizzle-orm';
import { Uncompilable } from './uncompilable.ts';
import type { Value } from './value.ts';

/** Text as the database takes it. */
export function textParameter(node: ASTNode, text: string): string {
  if (!text.includes('\0')) return text;
  throw new Uncompilable(node, 'has a character 0 in a text, which no value has', 'Take it away.');
}

export function constantText(node: ASTNode, what: string): string {
  if (node.op === 'value' && typeof node.args === 'string') return textParameter(node, node.args);
  throw new Uncompilable(node, `works out ${what}`, 'Write it as text in quotes.');
}

export function constantWholeNumber(node: ASTNode, minimum: number, maximum: number): number {
  const [inner, sign] = node.op === '-_' ? [node.args, -1] : [node, 1];
  if (inner.op === 'value' && typeof inner.args === 'bigint') {
    const number = Number(inner.args) * sign;
    if (number >= minimum && number <= maximum) return number;
  }
  throw new Uncompilable(
    node,
    'has something else where a number is to be written',
    `Write a whole number from ${minimum} to ${maximum}.`,
  );
}

/** `date("2026-01-31")`: the start of the day in UTC. */
export function constantDay(node: ASTNode): Value {
  const text = constantText(node, 'a day');
  if (/^\d{4}-\d\d-\d\d$/.test(text) && isInstant(`${text}T00:00:00Z`)) return instant(`${text}T00:00:00Z`);
  throw new Uncompilable(node, 'names a day that there is not', 'Write it as date("2026-01-31").');
}

const instantForm =
  /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-5]):[0-5]\d)$/;

export function constantInstant(node: ASTNode): Value {
  const text = constantText(node, 'a time');
  if (instantForm.test(text) && isInstant(`${text.slice(0, 10)}T00:00:00Z`)) return instant(text);
  throw new Uncompilable(
    node,
    'names a time that there is not',
    'Write it as timestamp("2026-01-31T09:00:00Z").',
  );
}

/** Whether there is this day, from the year 1 on. */
function isInstant(text: string): boolean {
  const at = new Date(text);
  return (
    !Number.isNaN(at.getTime()) &&
    at.toISOString().slice(0, 10) === text.slice(0, 10) &&
    !text.startsWith('0000')
  );
}

function instant(text: string): Value {
  return { type: 'timestamp', sql: sql`${text}::timestamptz` };
}
