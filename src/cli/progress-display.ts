import { Presets, SingleBar } from 'cli-progress';
import type { Totals } from '../domain/outcome.ts';
import type { CliIo } from './io.ts';

/** Rates are taken over this time, milliseconds, so that they are neither nervous nor out of date. */
const rateWindowMs = 5_000;
/** Without a terminal one line is written so often, milliseconds. */
const lineIntervalMs = 5_000;

/** Progress on stderr: a bar where a person looks at a terminal, otherwise a line now and then. */
export class ProgressDisplay {
  private readonly samples: { readonly at: number; readonly done: number }[] = [];
  private bar: SingleBar | undefined;
  private lastLine = Number.NEGATIVE_INFINITY;
  private lastState = '';
  private lastStage = '';

  constructor(private readonly io: CliIo) {}

  show(state: string, totals: Totals, reason: string | null): void {
    if (totals.queued === 0) {
      this.tellStage(reason === null ? state : `${state}: ${reason}`);
      return;
    }
    const done = totals.queued - totals.remaining;
    const rate = this.rate(done);
    const left = timeLeft(totals.remaining, rate);
    const payload = {
      state,
      sent: totals.sent,
      rate: rate.toFixed(0),
      left,
      reason: reason === null ? '' : ` ${reason}`,
    };
    if (this.io.interactive) {
      this.draw(done, totals.queued, payload);
      return;
    }
    const now = Date.now();
    if (state === this.lastState && now - this.lastLine < lineIntervalMs) return;
    this.lastLine = now;
    this.lastState = state;
    this.io.note(
      `${state}: ${done} of ${totals.queued}, ${totals.sent} sent, ${payload.rate}/s, ${left}${payload.reason}`,
    );
  }

  /** As long as nobody is queued there is nothing to count: what is under way is said once. */
  private tellStage(stage: string): void {
    if (stage !== this.lastStage) this.io.note(stage);
    this.lastStage = stage;
  }

  end(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  private draw(done: number, queued: number, payload: Record<string, string | number>): void {
    this.bar ??= this.startBar(payload);
    this.bar.setTotal(Math.max(queued, 1));
    this.bar.update(done, payload);
  }

  private startBar(payload: Record<string, string | number>): SingleBar {
    const bar = new SingleBar(
      {
        format: '{bar} {percentage}%  {state}  {sent} sent  {rate}/s  {left}{reason}',
        barsize: 30,
        hideCursor: true,
        stream: process.stderr,
      },
      Presets.shades_classic,
    );
    bar.start(1, 0, payload);
    return bar;
  }

  private rate(done: number): number {
    const now = Date.now();
    this.samples.push({ at: now, done });
    while ((this.samples[0]?.at ?? now) < now - rateWindowMs) this.samples.shift();
    const first = this.samples[0];
    if (first === undefined || now === first.at) return 0;
    return ((done - first.done) * 1_000) / (now - first.at);
  }
}

function timeLeft(remaining: number, rate: number): string {
  if (remaining === 0) return 'nothing left';
  if (rate === 0) return 'time left unknown';
  const seconds = Math.ceil(remaining / rate);
  if (seconds < 60) return `${seconds} s left`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s left`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}
