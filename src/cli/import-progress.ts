import type { ImportProgress } from '../contacts/import/import-contacts.ts';
import type { CliIo } from './io.ts';
import { type ProgressBar, startProgressBar } from './progress-bar.ts';

/** Progress of an import on stderr, for a person who looks at a terminal. */
export class ImportProgressDisplay {
  readonly #io: CliIo;
  readonly #startedAt = performance.now();
  #bar: ProgressBar | undefined;

  constructor(io: CliIo) {
    this.#io = io;
  }

  readonly show = ({ phase, rows, bytes, totalBytes }: ImportProgress): void => {
    const payload = {
      rows,
      rate: Math.round((rows * 1_000) / Math.max(1, performance.now() - this.#startedAt)),
    };
    if (phase === 'merging') {
      this.#bar?.update(totalBytes ?? bytes, payload);
      this.end();
      this.#io.note(`${rows} rows read; merging them into the contacts ...`);
      return;
    }
    this.#bar ??= startBar(payload, totalBytes);
    // Of an input whose length is unknown only the counts say something.
    this.#bar.update(totalBytes === undefined ? undefined : bytes, payload);
  };

  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function startBar(payload: object, totalBytes: number | undefined): ProgressBar {
  const format = `${totalBytes === undefined ? '' : '{bar} {percentage}%  '}{rows} rows  {rate}/s`;
  return startProgressBar(format, Math.max(1, totalBytes ?? 1), payload);
}
