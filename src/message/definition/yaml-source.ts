import { isMap, isNode, isPair, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { InputError } from '../../domain/errors.ts';
import type { DefinitionPath, Locate } from '../locate.ts';

/** A YAML file that was read: its value, and where each part of it stands. */
export interface YamlSource {
  readonly value: unknown;
  /** `file:line:column` of the value at a path, or of the nearest thing above it that is there. */
  readonly locate: Locate;
  /** `file:line:column` of a key itself. */
  readonly locateKey: Locate;
}

/** @throws InputError CAMPAIGN_SYNTAX with file, line and column where the text is not YAML 1.2. */
export function parseYaml(text: string, file: string): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
    uniqueKeys: true,
  });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line || 1}:${col || 1}`;
  };
  const wrong = (offset: number, message: string) =>
    new InputError('CAMPAIGN_SYNTAX', `${at(offset)}: this is not valid YAML: ${message}.`, {
      field: at(offset),
      hint: 'Indent with spaces, put text in quotes that holds ": ", "{" or "#", or begins with "!", and use each key once.',
    });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw wrong(problem.pos[0], problem.message.replace(/\.$/, ''));
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 20 });
  } catch (error) {
    throw wrong(0, (error as Error).message);
  }

  const find = (path: DefinitionPath): { node: Node | null; pair: Pair | undefined } => {
    let node: Node | null = document.contents;
    let pair: Pair | undefined;
    for (const part of path) {
      let next: unknown;
      if (isMap(node)) {
        pair = node.items.find((item) => isPair(item) && String(item.key) === String(part));
        next = pair?.value;
      } else if (isSeq(node)) next = node.items[Number(part)];
      if (!isNode(next)) break;
      node = next;
    }
    return { node, pair };
  };
  const offsetOf = (node: unknown) => (isNode(node) ? (node.range?.[0] ?? 0) : 0);
  return {
    value,
    locate: (path) => at(offsetOf(find(path).node)),
    locateKey: (path) => at(offsetOf(find(path).pair?.key)),
  };
}
