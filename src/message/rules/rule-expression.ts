import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import { didYouMean, nearestNames } from '../nearest.ts';
import { expressionLimits, expressionMaximum } from './limits.ts';

/** What a rule sees of a contact. What the contact lacks, or has as empty text, is left out. */
export interface RuleContact {
  readonly id: bigint;
  readonly email?: string;
  readonly firstName?: string;
  readonly lastName?: string;
  readonly language?: string;
  readonly facets: ReadonlyMap<string, string>;
}

/** `yes`, `no`, `lacking` where the contact has no value that the expression asks for, or why it gives nothing. */
export type RuleResult = 'yes' | 'no' | 'lacking' | { readonly failed: string };

export interface RuleExpression {
  /** Never throws. */
  evaluate(contact: RuleContact): RuleResult;
  /** Facets that it asks for by name. */
  readonly facets: readonly string[];
}

/** What is wrong with an expression. */
export interface ExpressionProblem {
  /** From 1. */
  readonly character: number;
  readonly message: string;
  readonly hint: string;
}

export const contactFields = ['id', 'email', 'firstName', 'lastName', 'language', 'facets'] as const;

/** No loops, no regular expressions, no clock: what an expression costs follows from its length and the contact's values. */
const functions = ['has', 'size', 'int', 'double'];
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
];

const environment = new Environment({ limits: expressionLimits }).registerVariable({
  name: 'contact',
  schema: {
    id: 'int',
    email: 'string',
    firstName: 'string',
    lastName: 'string',
    language: 'string',
    facets: 'map<string, string>',
  },
});

const hint = `A rule is CEL over ${contactFields.map((name) => `contact.${name}`).join(', ')}, such as contact.facets.tier == "gold".`;

/** Reads an expression that says yes or no about a contact. */
export function readExpression(text: string): RuleExpression | ExpressionProblem {
  if (text.length > expressionMaximum) {
    const message = `is longer than ${expressionMaximum} characters`;
    return {
      character: expressionMaximum + 1,
      message,
      hint: 'Write several rules; the first that holds counts.',
    };
  }
  try {
    const parsed = environment.parse(text);
    const facets = new Set<string>();
    for (const node of nodesOf(parsed.ast)) {
      const problem = refuse(node);
      if (problem !== undefined) return problem;
      const facet = facetOf(node);
      if (facet !== undefined) facets.add(facet);
    }
    const { valid, type, error } = parsed.check();
    if (!valid) return problemOf(error);
    if (type !== 'bool') return problem(1, `gives ${inWords(type)}, but a rule says true or false`);
    return { facets: [...facets], evaluate: (contact) => evaluate(parsed, contact) };
  } catch (error) {
    return problemOf(error);
  }
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

/** The kind of error alone: its message may quote a value of the contact. */
function codeOf(error: unknown): string {
  const code = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' && /^[a-z_]{1,60}$/.test(code) ? code : 'evaluation_error';
}

function problem(character: number, message: string, toDo = hint): ExpressionProblem {
  return { character, message, hint: toDo };
}

function refuse(node: ASTNode): ExpressionProblem | undefined {
  const at = node.start + 1;
  switch (node.op) {
    case 'id': {
      if (node.args === 'contact') return undefined;
      const meant = contactFields.find((field) => field === node.args);
      const guess =
        meant === undefined ? didYouMean(node.args, ['contact']) : ` Did you mean "contact.${meant}"?`;
      return problem(
        at,
        `names "${node.args}", but there is nothing but "contact".${guess}`,
        `${hint} Text stands in quotes.`,
      );
    }
    case 'call':
      return refuseFunction(node.args[0], functions, at);
    case 'rcall':
      return refuseFunction(node.args[0], methods, at);
    case '==':
    case '!=':
      return node.args.some(({ op, args }) => op === 'value' && args === '')
        ? problem(
            at,
            'compares with empty text, but what is empty counts as lacking',
            'Write has(contact.firstName), or !has(...).',
          )
        : undefined;
    case 'map':
    case '.?':
    case '[?]':
      return problem(at, 'has a form that rules do not have');
    default:
      return undefined;
  }
}

function refuseFunction(name: string, known: readonly string[], at: number): ExpressionProblem | undefined {
  if (known.includes(name)) return undefined;
  const all = [...functions, ...methods.filter((method) => !functions.includes(method))];
  return problem(
    at,
    `uses ${name}(), which rules do not have.${didYouMean(name, all)}`,
    `Functions: ${all.join(', ')}.`,
  );
}

/** `contact.facets.NAME` and `contact.facets["NAME"]` */
function facetOf(node: ASTNode): string | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [of, name] = node.args;
  if (of.op !== '.' || of.args[1] !== 'facets') return undefined;
  if (typeof name === 'string') return name;
  return name.op === 'value' && typeof name.args === 'string' ? name.args : undefined;
}

function* nodesOf(node: ASTNode): Generator<ASTNode> {
  yield node;
  for (const child of childrenOf(node)) yield* nodesOf(child);
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'list':
      return node.args;
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

function problemOf(error: unknown): ExpressionProblem {
  const [summary, range] = ['summary', 'range'].map((key) =>
    error instanceof Error ? (Reflect.get(error, key) as unknown) : undefined,
  );
  const start = typeof range === 'object' && range !== null ? Number(Reflect.get(range, 'start')) : 0;
  const at = Number.isInteger(start) ? start + 1 : 1;
  const reason = String(summary ?? 'it cannot be read').replace(/\.$/, '');
  const code = codeOf(error);
  if (code === 'no_such_key') {
    const name = /: (.*)$/.exec(reason)?.[1] ?? '';
    const [near] = nearestNames(name, contactFields);
    const guess =
      near === undefined ? `A facet is contact.facets.${name}` : `Did you mean "contact.${near}"?`;
    return problem(at, `asks for contact.${name}, which there is not. ${guess}`);
  }
  if (/overload/.test(code) && /\bstring\b/.test(reason) && /\b(?:int|uint|double)\b/.test(reason)) {
    const toDo = 'Facets are text: write double(contact.facets.age) >= 18, or compare with text in quotes.';
    return problem(at, `puts text and a number together (${reason})`, toDo);
  }
  if (code === 'invalid_macro_argument') {
    const toDo =
      'Write has(contact.facets.city); for a name that is no word, "favourite colour" in contact.facets.';
    return problem(at, 'uses has() with something that is no value of the contact', toDo);
  }
  return problem(at, `is not right: ${reason}`);
}

function inWords(type: string | undefined): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    int: 'a number',
    double: 'a number',
    uint: 'a number',
  };
  return words[type ?? ''] ?? `a value of type ${type ?? 'unknown'}`;
}
