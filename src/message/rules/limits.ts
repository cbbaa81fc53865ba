/** Characters of one expression. */
export const expressionMaximum = 1_000;
/** Rules of one component. */
export const rulesMaximum = 50;
/** Components of one campaign that have rules. */
export const componentsMaximum = 50;
/** What the parser of expressions accepts: operations and values, and how deep they stand in one another. */
export const expressionLimits = {
  maxAstNodes: 300,
  maxDepth: 32,
  maxListElements: 200,
  maxMapEntries: 0,
  maxCallArguments: 2,
};
