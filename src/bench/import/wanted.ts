/** What the importing process is told. */
export interface ImportWanted {
  readonly url: string;
  readonly file: string;
  readonly list: string;
}

/** What it says at its end. */
export interface ImportDone {
  readonly imported: number;
  /** Resident memory, at the most. */
  readonly peakBytes: number;
  /** User and system time. */
  readonly cpuMs: number;
}
