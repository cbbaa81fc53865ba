import type { Finding } from './findings.ts';

/** Says something about a place of a template, by its index. */
export type Report = (finding: Omit<Finding, 'where'>, index: number) => void;
