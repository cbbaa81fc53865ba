import type { Totals } from '../domain/outcome.ts';
import type { CliIo } from './io.ts';
import { type ProgressBar, startProgressBar } from './progress-bar.ts';

/** Rates are taken over this time, milliseconds, so that they are neither nervous nor out of date. */
const rateWindowMs = 5_000;
/** Without a terminal one line is written so often, milliseconds. */
const lineIntervalMs = 5_000;

/** Progress on stderr: a bar where a person looks at a terminal, otherwise a line now and then. */
export class ProgressDisplay {
  private readonly samples: { readonly at: number; readonly done: number }[] = [];
  private bar: ProgressBar | undefined;
  private lastLine = Number.NEGATIVE_INFINITY;
  private lastState = '';
  private lastStage = '';

  constructor(private readonly io: CliIo) {}

  show(state: string, totals: Totals, reason: string | null): void {
    const stage = reason === null ? state : `${state}: ${reason}`;
    if (totals.queued === 0) {
      this.tellStage(stage);
      return;
    }
    const done = totals.queued - totals.remaining;
    const rate = this.rate(done);
    // What is held has no pace.
    const pace = reason === null ? [`${rate.toFixed(0)}/s`, timeLeft(totals.remaining, rate)] : [];
    if (this.io.interactive) {
      // A line of its own, for a bar's end is cut where the screen ends.
      if (reason === null) this.lastStage = '';
      else this.tellStage(stage);
      this.draw(done, totals.queued, { state, sent: totals.sent, pace: pace.join('  ') });
      return;
    }
    const now = performance.now();
    if (state === this.lastState && now - this.lastLine < lineIntervalMs) return;
    this.lastLine = now;
    this.lastState = state;
    const counts = [`${done} of ${totals.queued}`, `${totals.sent} sent`, ...pace].join(', ');
    this.io.note(`${state}: ${counts}${reason === null ? '' : `, ${reason}`}`);
  }

  end(): void {
    this.bar?.stop();
    this.bar = undefined;
  }

  /** Says once what is under way, or why it is held. As long as nobody is queued there is nothing to count. */
  private tellStage(stage: string): void {
    if (stage === this.lastStage) return;
    this.lastStage = stage;
    this.end();
    this.io.note(stage);
  }

  private draw(done: number, queued: number, payload: object): void {
    this.bar ??= startProgressBar('{bar} {percentage}%  {state}  {sent} sent  {pace}', 1, payload);
    this.bar.setTotal(Math.max(queued, 1));
    this.bar.update(done, payload);
  }

  private rate(done: number): number {
    const now = performance.now();
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
