import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, describeExit } from './child.ts';

/** Something that runs as a process of its own. */
export interface RunningPart {
  readonly child: Child;
  /** A planned stop. */
  stop(): Promise<void>;
}

export interface PartOptions<Running extends RunningPart> {
  readonly name: string;
  /** Starts it and waits until it answers, or until the signal says that it is to stop. Called again after it died. */
  readonly start: (signal: AbortSignal) => Promise<Running>;
  /** Where its output is, for messages. */
  readonly logFile: string;
  readonly tell: (line: string) => void;
}

const firstDelayMs = 1_000;
const longestDelayMs = 30_000;
/** After so long a run the next delay is the first one again. */
const steadyAfterMs = 60_000;

/** Starts a part, and starts it again when it dies, after a delay that grows. */
export class SupervisedPart<Running extends RunningPart = RunningPart> {
  readonly name: string;
  readonly #options: PartOptions<Running>;
  #running: Running | undefined;
  #starting: Promise<Running> | undefined;
  readonly #stopping = new AbortController();
  #supervising: Promise<void> = Promise.resolve();

  constructor(options: PartOptions<Running>) {
    this.name = options.name;
    this.#options = options;
  }

  get running(): Running | undefined {
    return this.#running;
  }

  /** The first start. @throws what the start throws; then there is nothing to stop. */
  async start(): Promise<Running> {
    const running = await this.#startOnce();
    this.#supervising = this.#supervise(running);
    return running;
  }

  /** Stops it for good. Also while it starts. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#starting?.catch(() => undefined);
    await this.#running?.stop();
    await this.#supervising;
  }

  async #startOnce(): Promise<Running> {
    this.#starting = this.#options.start(this.#stopping.signal);
    try {
      this.#running = await this.#starting;
    } finally {
      this.#starting = undefined;
    }
    return this.#running;
  }

  async #supervise(first: Running): Promise<void> {
    const { name, tell, logFile } = this.#options;
    const { signal } = this.#stopping;
    let delayMs = firstDelayMs;
    let startedAt = performance.now();
    let exit = await first.child.exited;
    for (;;) {
      this.#running = undefined;
      if (signal.aborted) return;
      if (performance.now() - startedAt > steadyAfterMs) delayMs = firstDelayMs;
      tell(`${name} ${describeExit(exit)}; it is started again in ${delayMs / 1000} s (log: ${logFile})`);
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, longestDelayMs);
      if (signal.aborted) return;
      startedAt = performance.now();
      try {
        const running = await this.#startOnce();
        tell(`${name} runs again`);
        exit = await running.child.exited;
      } catch (error) {
        exit = { code: null, signal: null, error: error as Error };
      }
    }
  }
}
