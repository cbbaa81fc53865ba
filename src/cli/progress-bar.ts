import { Presets, SingleBar } from 'cli-progress';
import { beforeSignalEnds } from './before-signal-ends.ts';

export interface ProgressBar {
  setTotal(total: number): void;
  /** @param done undefined leaves the bar where it is */
  update(done: number | undefined, payload: object): void;
  /** Leaves the terminal as it was found: with a cursor, and with lines that wrap. A signal does the same. */
  stop(): void;
}

/** A bar on stderr that moves. @param format as cli-progress takes it, with the names of the payload in braces */
export function startProgressBar(format: string, total: number, payload: object): ProgressBar {
  const bar = new SingleBar(
    { format, barsize: 30, hideCursor: true, stream: process.stderr },
    Presets.shades_classic,
  );
  bar.start(total, 0, payload);
  const withdraw = beforeSignalEnds(() => bar.stop());
  return {
    setTotal: (newTotal) => bar.setTotal(newTotal),
    update(done, newPayload) {
      if (done === undefined) bar.update(newPayload);
      else bar.update(done, newPayload);
    },
    stop() {
      withdraw();
      bar.stop();
    },
  };
}
