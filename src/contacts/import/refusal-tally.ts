import type { RefusalReason, RefusedRow } from './import-row.ts';

/** Rows of a file that were left out. */
export interface RefusedRows {
  readonly total: number;
  readonly byReason: Partial<Record<RefusalReason, number>>;
  /** The first 20. */
  readonly first: readonly RefusedRow[];
}

/** How many refused rows a report shows; `onRefused` gets all of them. */
export const refusedShown = 20;

export type OnRefused = ((row: RefusedRow) => void | Promise<void>) | undefined;

export class RefusalTally {
  readonly #onRefused: OnRefused;
  readonly #byReason: Partial<Record<RefusalReason, number>> = {};
  readonly #first: RefusedRow[] = [];
  #total = 0;

  constructor(onRefused: OnRefused) {
    this.#onRefused = onRefused;
  }

  async add(row: RefusedRow): Promise<void> {
    this.#total++;
    this.#byReason[row.reason] = (this.#byReason[row.reason] ?? 0) + 1;
    if (this.#first.length < refusedShown) this.#first.push(row);
    await this.#onRefused?.(row);
  }

  report(): RefusedRows {
    return { total: this.#total, byReason: this.#byReason, first: this.#first };
  }
}
