import { nearestNames } from '../message/nearest.ts';
import type { ExpressionProblem, Vocabulary } from './vocabulary.ts';

/** The kind of error alone: its message may quote a value of the contact. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^[a-z_]{1,60}$/.test(code) ? code : 'evaluation_error';
}

/** What the parser or the checker of types says, in words for people. */
export function problemOf(error: unknown, { fields, hint }: Vocabulary): ExpressionProblem {
  const [summary, range] = ['summary', 'range'].map((key) =>
    error instanceof Error ? (Reflect.get(error, key) as unknown) : undefined,
  );
  const start = typeof range === 'object' && range !== null ? Number(Reflect.get(range, 'start')) : 0;
  const character = Number.isInteger(start) ? start + 1 : 1;
  const reason = String(summary ?? 'it cannot be read').replace(/\.$/, '');
  const code = codeOf(error);
  if (code === 'no_such_key') {
    const name = /: (.*)$/.exec(reason)?.[1] ?? '';
    const [near] = nearestNames(name, fields);
    const guess =
      near === undefined ? `A facet is contact.facets.${name}` : `Did you mean "contact.${near}"?`;
    return { character, message: `asks for contact.${name}, which there is not. ${guess}`, hint };
  }
  if (/overload/.test(code) && /\bstring\b/.test(reason) && /\b(?:int|uint|double)\b/.test(reason)) {
    return {
      character,
      message: `puts text and a number together (${reason})`,
      hint: 'Facets are text: write double(contact.facets.age) >= 18, or compare with text in quotes.',
    };
  }
  if (code === 'invalid_macro_argument') {
    return {
      character,
      message: 'uses has() with something that is no value of the contact',
      hint: 'Write has(contact.facets.city); for a name that is no word, "favourite colour" in contact.facets.',
    };
  }
  return { character, message: `is not right: ${reason}`, hint };
}

/** A type of CEL in words. */
export function inWords(type: string | undefined): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    int: 'a number',
    double: 'a number',
    uint: 'a number',
    bool: 'true or false',
    'google.protobuf.Timestamp': 'a time',
  };
  return words[type ?? ''] ?? `a value of type ${type ?? 'unknown'}`;
}
