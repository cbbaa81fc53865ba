import { type SQL, sql } from 'drizzle-orm';
import type { ExpressionProblem } from '../../cel/vocabulary.ts';
import { InputError } from '../../domain/errors.ts';
import { Compilation } from './compile.ts';
import { readSegment, vocabulary } from './read-segment.ts';
import { Uncompilable } from './uncompilable.ts';

/**
 * Everybody for whom a segment's expression holds, as one query with the column `contact_id`. What a contact lacks makes
 * a comparison not hold, nor its opposite: nobody is a member by what is not known of them.
 *
 * @param among a further condition over `contact.id`, for a few contacts: what happened to them is then looked up for each,
 * and not for everybody.
 * @throws InputError SEGMENT_WRONG
 */
export function segmentMembers(expression: string, among?: SQL): SQL {
  const compiled = compileSegment(expression);
  if ('message' in compiled) throw segmentWrong(expression, compiled);
  const { condition, sources } = compiled;
  const further = among === undefined ? sql`` : sql` and (${among})`;
  return sql`select contact.id as contact_id from contact ${sources.joins(among !== undefined)} where ${condition}${further}`;
}

/** A condition as SQL over `contact` and the joins of its compilation, or what is wrong with it. */
export function compileSegment(
  expression: string,
): { readonly condition: SQL; readonly sources: Compilation['sources'] } | ExpressionProblem {
  const read = readSegment(expression);
  if ('message' in read) return read;
  const compilation = new Compilation();
  try {
    return { condition: compilation.condition(read.tree), sources: compilation.sources };
  } catch (error) {
    if (!(error instanceof Uncompilable)) throw error;
    const { character, message, hint = vocabulary.hint } = error;
    return { character, message, hint };
  }
}

/** @param field where the expression was given */
export function segmentWrong(
  expression: string,
  { character, message, hint }: ExpressionProblem,
  field = '--where',
): InputError {
  const where = `${field}, character ${character}`;
  return new InputError(
    'SEGMENT_WRONG',
    `${where}: the condition ${message}${/[.?]$/.test(message) ? '' : '.'}`,
    {
      field: where,
      value: expression.slice(0, 200),
      hint,
    },
  );
}
