import type { ASTNode } from '@marcbachmann/cel-js';

export function* nodesOf(node: ASTNode): Generator<ASTNode> {
  yield node;
  for (const child of childrenOf(node)) yield* nodesOf(child);
}

/** Name of the facet where the node is `contact.facets.NAME` or `contact.facets["NAME"]`. */
export function facetNamed(node: ASTNode): string | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [of, name] = node.args;
  if (!isField(of, 'facets')) return undefined;
  if (typeof name === 'string') return name;
  return name.op === 'value' && typeof name.args === 'string' ? name.args : undefined;
}

/** Whether the node is `contact.FIELD`. */
export function isField(node: ASTNode, field: string): boolean {
  return (
    node.op === '.' && node.args[1] === field && node.args[0].op === 'id' && node.args[0].args === 'contact'
  );
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
