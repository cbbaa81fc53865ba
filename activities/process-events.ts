import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Database } from '../src/db/connect.ts';
import { messageOf } from '../src/domain/error-message.ts';
import { UnavailableError } from '../src/domain/errors.ts';
import { countLiveProcessors } from '../src/processing/live-processors.ts';
import { processEvents } from '../src/processing/process-events.ts';
import { asFailure } from './as-activities.ts';

export interface ProcessingDependencies {
  readonly db: Database;
  /**
   * Events taken in one transaction. Default 1000. Lower it where that many take longer than a second, for other
   * processors of the same contacts wait as long.
   */
  readonly batchSize?: number | undefined;
  /** Pause before an empty inbox is looked into again. Milliseconds; default 1000. */
  readonly idleMs?: number | undefined;
  /** After so long a shift ends, so that the next one goes to whoever is free. Milliseconds; default ten minutes. */
  readonly shiftMs?: number | undefined;
}

export type ProcessingActivities = ReturnType<typeof createProcessingActivities>;

/** The activities of the processing role. */
export function createProcessingActivities(dependencies: ProcessingDependencies) {
  const { db, batchSize = 1_000, idleMs = 1_000, shiftMs = 600_000 } = dependencies;
  return {
    /** Processing workers that are alive, by what they say in the database. */
    async countProcessors(): Promise<number> {
      try {
        return await countLiveProcessors(db);
      } catch (error) {
        throw unavailable(error);
      }
    },

    /**
     * Processes events as they come, for one shift, or until this worker is to stop. Ends between two transactions, so
     * that a planned stop leaves nothing half done.
     */
    async processEvents(): Promise<{ processed: number }> {
      const context = Context.current();
      const stop = context.cancellationSignal;
      const end = performance.now() + shiftMs;
      let sum = 0;
      try {
        while (!stop.aborted && performance.now() < end) {
          const { processed } = await processEvents(db, batchSize);
          sum += processed;
          context.heartbeat();
          if (processed === 0) await pause(idleMs, undefined, { signal: stop }).catch(() => undefined);
        }
      } catch (error) {
        throw unavailable(error);
      }
      return { processed: sum };
    },
  };
}

/** Events are never given up: whatever hinders, it is tried again. The history gets no values of a statement. */
function unavailable(error: unknown): unknown {
  return asFailure(
    new UnavailableError('EVENTS_UNPROCESSED', `Events cannot be processed now: ${messageOf(error)}`, {
      hint: 'They wait in event_inbox; it is tried again.',
    }),
  );
}
