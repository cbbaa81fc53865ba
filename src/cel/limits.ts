/** Characters of one expression. */
export const expressionMaximum = 1_000;
/** What the parser of expressions accepts: operations and values, and how deep they stand in one another. */
export const expressionLimits = {
  maxAstNodes: 300,
  maxDepth: 32,
  maxListElements: 200,
  maxMapEntries: 0,
  maxCallArguments: 2,
};
