import { type ASTNode, Environment } from '@marcbachmann/cel-js';
import { inWords, problemOf } from '../../cel/expression-problem.ts';
import { expressionLimits, expressionMaximum } from '../../cel/limits.ts';
import { mixedLists, mixedNumbers } from '../../cel/mixed-numbers.ts';
import { nodesOf } from '../../cel/syntax-tree.ts';
import { type ExpressionProblem, refuseUnknown, type Vocabulary } from '../../cel/vocabulary.ts';
import { eventFunctions, lastEvents } from './events.ts';

const timestamp = 'google.protobuf.Timestamp';

const fields = {
  id: 'int',
  email: 'string',
  firstName: 'string',
  lastName: 'string',
  language: 'string',
  facets: 'map<string, dyn>',
  lists: 'list<string>',
  createdAt: timestamp,
  bounceCount: 'int',
  ...Object.fromEntries(Object.keys(lastEvents).map((name) => [name, timestamp])),
};

export const vocabulary: Vocabulary = {
  kind: 'segments',
  fields: Object.keys(fields),
  functions: [
    'has',
    'size',
    'int',
    'double',
    'today',
    'daysAgo',
    'date',
    'timestamp',
    ...Object.keys(eventFunctions),
  ],
  methods: [
    'contains',
    'startsWith',
    'endsWith',
    'lowerAscii',
    'upperAscii',
    'trim',
    'substring',
    'indexOf',
    'size',
    'getFullYear',
    'getMonth',
    'getDate',
    'getDayOfMonth',
    'getDayOfWeek',
  ],
  hint: 'A condition is CEL over one contact, such as contact.facets.city == "Berlin" && opens(90) == 0; docs/segments.md has all that it may say.',
};

/** Nothing is evaluated here: the database does it. */
const unused = () => undefined;

const environment = mixedLists(mixedNumbers(new Environment({ limits: expressionLimits })))
  .registerVariable({ name: 'contact', schema: fields })
  .registerFunction(`today(): ${timestamp}`, unused)
  .registerFunction(`daysAgo(int): ${timestamp}`, unused)
  .registerFunction(`date(string): ${timestamp}`, unused);
for (const name of Object.keys(eventFunctions)) {
  for (const parameters of ['', 'int', 'string', 'int, string']) {
    environment.registerFunction(`${name}(${parameters}): int`, unused);
  }
}

/** Reads a condition as far as the language goes: its words and its types, those of facets left open. */
export function readSegment(text: string): { readonly tree: ASTNode } | ExpressionProblem {
  const { hint } = vocabulary;
  if (text.length > expressionMaximum) {
    return {
      character: expressionMaximum + 1,
      message: `is longer than ${expressionMaximum} characters`,
      hint: 'What so much is needed to tell apart is better a facet of its own, worked out where the contacts come from.',
    };
  }
  try {
    const parsed = environment.parse(text);
    for (const node of nodesOf(parsed.ast)) {
      const problem = refuseUnknown(node, vocabulary);
      if (problem !== undefined) return problem;
    }
    const { valid, type, error } = parsed.check();
    if (!valid) return problemOf(error, vocabulary);
    if (type === 'bool' || type === 'dyn') return { tree: parsed.ast };
    return { character: 1, message: `gives ${inWords(type)}, but a condition says true or false`, hint };
  } catch (error) {
    return problemOf(error, vocabulary);
  }
}
