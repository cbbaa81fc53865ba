import type { ValueType } from './value.ts';

/** What a condition names that only the database knows, with the places, from 1. */
export interface NamedParts {
  /** `type`: what it is taken for; undefined where any type will do. */
  readonly facets: {
    readonly name: string;
    readonly type: ValueType | undefined;
    readonly character: number;
  }[];
  readonly lists: { readonly name: string; readonly character: number }[];
  readonly campaigns: { readonly name: string; readonly character: number }[];
}
