import { Presets, SingleBar } from 'cli-progress';
import type { ImportProgress } from '../contacts/import-contacts.ts';
import type { CliIo } from './io.ts';

/** Progress of an import on stderr, for a person who looks at a terminal. */
export class ImportProgressDisplay {
  readonly #io: CliIo;
  readonly #startedAt = Date.now();
  #bar: SingleBar | undefined;

  constructor(io: CliIo) {
    this.#io = io;
  }

  readonly show = ({ phase, rows, bytes, totalBytes }: ImportProgress): void => {
    const payload = { rows, rate: Math.round((rows * 1_000) / Math.max(1, Date.now() - this.#startedAt)) };
    if (phase === 'merging') {
      this.#bar?.update(totalBytes ?? bytes, payload);
      this.end();
      this.#io.note(`${rows} rows read; merging them into the contacts ...`);
      return;
    }
    this.#bar ??= startBar(payload, totalBytes);
    // Of an input whose length is unknown only the counts say something.
    if (totalBytes === undefined) this.#bar.update(payload);
    else this.#bar.update(bytes, payload);
  };

  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function startBar(payload: object, totalBytes: number | undefined): SingleBar {
  const bar = new SingleBar(
    {
      format: `${totalBytes === undefined ? '' : '{bar} {percentage}%  '}{rows} rows  {rate}/s`,
      barsize: 30,
      hideCursor: true,
      stream: process.stderr,
    },
    Presets.shades_classic,
  );
  bar.start(Math.max(1, totalBytes ?? 1), 0, payload);
  return bar;
}
