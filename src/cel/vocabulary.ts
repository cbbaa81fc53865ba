import type { ASTNode } from '@marcbachmann/cel-js';
import { didYouMean } from '../message/nearest.ts';

/** What is wrong with an expression. The message goes on after "the rule" or "the condition". */
export interface ExpressionProblem {
  /** From 1. */
  readonly character: number;
  readonly message: string;
  readonly hint: string;
}

/** The part of CEL that a kind of expression has. */
export interface Vocabulary {
  /** What the expression is, in the plural: `rules`. */
  readonly kind: string;
  /** Of `contact`. */
  readonly fields: readonly string[];
  readonly functions: readonly string[];
  readonly methods: readonly string[];
  /** What to write instead, where nothing better is known. */
  readonly hint: string;
}

/** What of a node the vocabulary does not have. */
export function refuseUnknown(node: ASTNode, vocabulary: Vocabulary): ExpressionProblem | undefined {
  const { kind, fields, functions, methods, hint } = vocabulary;
  const character = node.start + 1;
  switch (node.op) {
    case 'id': {
      if (node.args === 'contact') return undefined;
      const meant = fields.find((field) => field === node.args);
      const guess =
        meant === undefined ? didYouMean(node.args, ['contact']) : ` Did you mean "contact.${meant}"?`;
      return {
        character,
        message: `names "${node.args}", but there is nothing but "contact".${guess}`,
        hint: `${hint} Text stands in quotes.`,
      };
    }
    case 'call':
      return functions.includes(node.args[0])
        ? undefined
        : unknownFunction(node.args[0], character, vocabulary);
    case 'rcall':
      return methods.includes(node.args[0])
        ? undefined
        : unknownFunction(node.args[0], character, vocabulary);
    case '==':
    case '!=':
      return node.args.some(({ op, args }) => op === 'value' && args === '')
        ? {
            character,
            message: 'compares with empty text, but what is empty counts as lacking',
            hint: 'Write has(contact.firstName), or !has(...).',
          }
        : undefined;
    case 'map':
    case '.?':
    case '[?]':
      return { character, message: `has a form that ${kind} do not have`, hint };
    default:
      return undefined;
  }
}

function unknownFunction(
  name: string,
  character: number,
  { kind, functions, methods }: Vocabulary,
): ExpressionProblem {
  const all = [...new Set([...functions, ...methods])];
  return {
    character,
    message: `uses ${name}(), which ${kind} do not have.${didYouMean(name, all)}`,
    hint: `Functions: ${all.join(', ')}.`,
  };
}
