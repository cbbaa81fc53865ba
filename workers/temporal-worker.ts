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

/** One or more workers over one connection, run until stopped. */
export class WorkerGroup {
  readonly done: Promise<void>;

  private constructor(private readonly workers: readonly Worker[]) {
    this.done = Promise.all(workers.map(async (worker) => await worker.run())).then(() => undefined);
    // Whoever waits for `done` hears of a failure; nobody else has to.
    this.done.catch(() => this.shutdown());
  }

  static async start(options: readonly WorkerOptions[]): Promise<WorkerGroup> {
    const workers: Worker[] = [];
    for (const option of options) workers.push(await Worker.create(option));
    return new WorkerGroup(workers);
  }

  /** Takes no more work and waits for what is in progress. */
  async stop(): Promise<void> {
    this.shutdown();
    await this.done;
  }

  private shutdown(): void {
    for (const worker of this.workers) {
      if (worker.getState() === 'RUNNING') worker.shutdown();
    }
  }
}
