import type { ASTNode, ParseResult } from '@marcbachmann/cel-js';
import { codeOf, inWords, problemOf } from '../../cel/expression-problem.ts';
import { expressionMaximum } from '../../cel/limits.ts';
import { facetNamed, nodesOf } from '../../cel/syntax-tree.ts';
import { type ExpressionProblem, refuseUnknown, type Vocabulary } from '../../cel/vocabulary.ts';
import { isFacetText } from '../../contacts/facets/facet-value.ts';
import type { FacetType } from '../../domain/facet.ts';
import { checkingEnvironment, textEnvironment, typedEnvironment } from './rule-environment.ts';

/** What a rule sees of a contact. What the contact lacks, or has as empty text, is left out. */
export interface RuleContact {
  readonly id: bigint;
  readonly email?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly language?: string;
  /** Text, or of the types that the expression was read with; a day is its start in UTC. */
  readonly facets: ReadonlyMap<string, string | number | boolean | Date>;
}

/** `yes`, `no`, `lacking` where the contact has no value that the expression asks for, or why it gives nothing. */
export type RuleResult = 'yes' | 'no' | 'lacking' | { readonly failed: string };

export interface RuleExpression {
  /** Never throws. */
  evaluate(contact: RuleContact): RuleResult;
  /** Facets that it asks for by name. */
  readonly facets: readonly string[];
}

export const contactFields = ['id', 'email', 'firstName', 'lastName', 'language', 'facets'] as const;

/** No loops, no regular expressions, no clock: what an expression costs follows from its length and the contact's values. */
const functions = ['has', 'size', 'int', 'double', 'date'];
const methods = [
  'contains',
  'startsWith',
  'endsWith',
  'lowerAscii',
  'upperAscii',
  'trim',
  'split',
  'substring',
  'indexOf',
  'lastIndexOf',
  'size',
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
];

const vocabulary: Vocabulary = {
  kind: 'rules',
  fields: contactFields,
  functions,
  methods,
  hint: `A rule is CEL over ${contactFields.map((name) => `contact.${name}`).join(', ')}, such as contact.facets.tier == "gold".`,
};

/** Types of facets by name; a facet that is missing here is text. */
export type RuleFacetTypes = Readonly<Record<string, FacetType>>;

/** Reads an expression that says yes or no about a contact. */
export function readExpression(text: string, types: RuleFacetTypes = {}): RuleExpression | ExpressionProblem {
  if (text.length > expressionMaximum) {
    const message = `is longer than ${expressionMaximum} characters`;
    return {
      character: expressionMaximum + 1,
      message,
      hint: 'Write several rules; the first that holds counts.',
    };
  }
  try {
    const asText = textEnvironment.parse(text);
    const facets = new Set<string>();
    for (const node of nodesOf(asText.ast)) {
      const problem = refuseUnknown(node, vocabulary) ?? refuseDay(node);
      if (problem !== undefined) return problem;
      const facet = facetNamed(node);
      if (facet !== undefined) facets.add(facet);
    }
    const isTyped = [...facets].some((name) => typeOf(name, types) !== 'text');
    const checked = isTyped ? checkingEnvironment(typesOf(facets, types)).parse(text) : asText;
    const { valid, type, error } = checked.check();
    if (!valid) return problemOf(error, vocabulary);
    if (type !== 'bool') {
      const message = `gives ${inWords(type)}, but a rule says true or false`;
      return { character: 1, message, hint: vocabulary.hint };
    }
    const parsed = isTyped ? typedEnvironment.parse(text) : asText;
    return { facets: [...facets], evaluate: (contact) => evaluate(parsed, contact) };
  } catch (error) {
    return problemOf(error, vocabulary);
  }
}

/** Names of the facets that an expression asks for, whether or not it is right. */
export function facetsAskedFor(text: string): string[] {
  try {
    const names = [...nodesOf(textEnvironment.parse(text).ast)].map(facetNamed);
    return [...new Set(names.filter((name) => name !== undefined))];
  } catch {
    return [];
  }
}

function typeOf(name: string, types: RuleFacetTypes): FacetType {
  return (Object.hasOwn(types, name) ? types[name] : undefined) ?? 'text';
}

function typesOf(names: Iterable<string>, types: RuleFacetTypes): RuleFacetTypes {
  return Object.fromEntries([...names].map((name) => [name, typeOf(name, types)]));
}

function refuseDay(node: ASTNode): ExpressionProblem | undefined {
  if (node.op !== 'call' || node.args[0] !== 'date') return undefined;
  const [day] = node.args[1];
  if (day?.op === 'value' && typeof day.args === 'string' && isFacetText(day.args, 'date')) return undefined;
  return {
    character: node.start + 1,
    message: 'names a day that there is not',
    hint: 'Write it as date("2026-01-31").',
  };
}

function evaluate(parsed: ParseResult, contact: RuleContact): RuleResult {
  // That a contact lacks a value is thrown, and is nothing out of the ordinary: the stack of it would cost as much as all
  // the rest. Nothing else runs meanwhile.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    const result: unknown = parsed({ contact });
    return result === true ? 'yes' : result === false ? 'no' : { failed: 'not_boolean' };
  } catch (error) {
    const code = codeOf(error);
    return code === 'no_such_key' ? 'lacking' : { failed: code };
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
