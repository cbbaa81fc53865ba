import type { ASTNode } from '@marcbachmann/cel-js';

/** A part of an expression that cannot be asked of the database. */
export class Uncompilable extends Error {
  /** From 1. */
  readonly character: number;
  readonly hint: string | undefined;

  constructor(node: ASTNode, message: string, hint?: string) {
    super(message);
    this.character = node.start + 1;
    this.hint = hint;
  }
}
