import { DefaultLogger, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Logger } from '../src/logging.ts';

/** Sends the SDK's own log into ours. To be called once, before the first worker is made. */
export function installTemporalLogging(log: Logger): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) =>
    log[levels[level]]({ temporal: meta }, message),
  );
  // The process's signals are handled by the role, which drains before it stops.
  Runtime.install({
    logger,
    shutdownSignals: [],
    telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN' } } },
  });
}

/** The SDK keeps its lines for a moment, to put them in order: to be called when its workers have ended, so that none is lost. */
export function flushTemporalLogging(): void {
  Runtime.instance().flushLogs();
}

/** One or more workers over one connection, run until stopped. Where one of them ends, the others are stopped. */
export class WorkerGroup {
  /** Settles as soon as the end has begun: a stop, or a worker that died. Never rejects. */
  readonly ending: Promise<void>;
  /** Settles when all workers have ended; rejects with what the first of them died of. */
  readonly done: Promise<void>;
  private endingBegan: () => void = () => undefined;

  private constructor(private readonly workers: readonly Worker[]) {
    this.ending = new Promise((resolve) => {
      this.endingBegan = resolve;
    });
    this.done = this.run();
    // Whoever waits for `done` hears of a failure; nobody else has to.
    this.done.catch(() => undefined);
  }

  /** @throws the signal's reason where it was aborted before they ran; then they take no work */
  static async start(options: readonly WorkerOptions[], stop: AbortSignal): Promise<WorkerGroup> {
    const workers: Worker[] = [];
    for (const option of options) workers.push(await Worker.create(option));
    stop.throwIfAborted();
    return new WorkerGroup(workers);
  }

  /** Takes no more work. */
  shutdown(): void {
    this.endingBegan();
    for (const worker of this.workers) {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    }
  }

  /** Takes no more work and waits for what is in progress. */
  async stop(): Promise<void> {
    this.shutdown();
    await this.done;
  }

  private async run(): Promise<void> {
    const failures: unknown[] = [];
    const runs = this.workers.map(async (worker) => {
      try {
        await worker.run();
      } catch (error) {
        failures.push(error);
      } finally {
        this.shutdown();
      }
    });
    await Promise.all(runs);
    if (failures.length > 0) throw failures[0];
  }
}
