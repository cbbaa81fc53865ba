import type { BenchStage } from './stage.ts';

/** One figure of a measurement, and what it is compared with. */
export interface BenchRow {
  /** What was measured, in a few words: "dispatch, 14.5 KB". */
  readonly what: string;
  /** Left out where there is no figure; then `note` says why. */
  readonly value?: number;
  /** `messages/s`, `ms`, `MB`, ... */
  readonly unit?: string;
  /** The same by something else, in the same run. */
  readonly against?: { readonly what: string; readonly value: number };
  /** Of the two, as the goal counts it. */
  readonly ratio?: number;
  /** What is aimed at. */
  readonly goal?: BenchGoal;
  /** What to know about the figure, or why there is none: a program that is not installed, and how to install it. */
  readonly note?: string;
}

export interface BenchGoal {
  readonly of: 'ratio' | 'value';
  readonly atLeast?: number;
  readonly atMost?: number;
  /** From here on `--check` counts it as far from the goal. Default: half of what is at least aimed at, twice of what is at most. */
  readonly farFrom?: number;
}

/** Something that `exm bench` can measure. */
export interface Measurement {
  /** As on the command line: `exm bench dispatch queueing`. */
  readonly name: string;
  /** What it measures, in one line. */
  readonly about: string;
  run(stage: BenchStage): Promise<readonly BenchRow[]>;
}
