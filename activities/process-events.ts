import { setTimeout as pause } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { ResolvedConfig } from '../src/config/exm-config.ts';
import type { Database } from '../src/db/connect.ts';
import { messageOf } from '../src/domain/error-message.ts';
import { UnavailableError } from '../src/domain/errors.ts';
import type { JudgeOptions } from '../src/feedback/judge-feedback.ts';
import { processFeedback } from '../src/feedback/process-feedback.ts';
import { PutOff } from '../src/feedback/put-off.ts';
import type { ConfirmationStarter } from '../src/processing/confirmation-starter.ts';
import { countLiveProcessors } from '../src/processing/live-processors.ts';
import { processEvents } from '../src/processing/process-events.ts';
import { takeAddressChanges } from '../src/processing/take-address-changes.ts';
import { type PauseItself, tellCrossings } from '../src/processing/tell-crossings.ts';
import { asFailure } from './as-activities.ts';

export interface ProcessingDependencies {
  readonly db: Database;
  /** For what came back by mail; left out, it waits. */
  readonly feedback?: JudgeOptions | undefined;
  /** Has mails sent that ask to confirm a subscription; left out, they wait. */
  readonly confirmations?: Pick<ConfirmationStarter, 'run'> | undefined;
  /** What follows from bounces. Default: the defaults of exm.config.ts. */
  readonly settings?: ResolvedConfig['settings'] | undefined;
  /** Tells a campaign to pause whose rates passed a limit. Left out: it waits. Whatever it throws, it is told later. */
  readonly pauseItself?: PauseItself | undefined;
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

/** Messages that are read in one transaction: each has to be taken apart. */
const feedbackGroup = 100;

export type ProcessingActivities = ReturnType<typeof createProcessingActivities>;

/** The activities of the processing role. */
export function createProcessingActivities(dependencies: ProcessingDependencies) {
  const {
    db,
    feedback,
    confirmations,
    settings,
    pauseItself,
    batchSize = 1_000,
    idleMs = 1_000,
    shiftMs = 600_000,
  } = dependencies;
  const putOff = new PutOff();
  const readFeedback = async () =>
    feedback === undefined ? 0 : (await processFeedback(db, feedbackGroup, feedback, putOff)).processed;
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
     * Processes events and changes of address as they come, for one shift, or until this worker is to stop. Ends between
     * two transactions, so that a planned stop leaves nothing half done.
     */
    async processEvents(): Promise<{ processed: number }> {
      const context = Context.current();
      const stop = context.cancellationSignal;
      const end = performance.now() + shiftMs;
      let sum = 0;
      while (!stop.aborted && performance.now() < end) {
        const failures: unknown[] = [];
        // One that fails holds up none of the others.
        const part = async (work: () => Promise<number>): Promise<number> => {
          try {
            return await work();
          } catch (error) {
            failures.push(error);
            return 0;
          } finally {
            context.heartbeat();
          }
        };
        const started = await part(async () => (await confirmations?.run()) ?? 0);
        const read = await part(async () => await readFeedback());
        // Before events: a bounce is asked which address its message went to.
        const taken = await part(async () => (await takeAddressChanges(db)).taken);
        const processed = await part(async () => (await processEvents(db, batchSize, settings)).processed);
        if (pauseItself !== undefined) await tellCrossings(db, pauseItself).catch(notTold);
        sum += processed;
        context.heartbeat();
        if (failures.length > 0) throw unavailable(failures[0]);
        if (processed + taken + read + started === 0)
          await pause(idleMs, undefined, { signal: stop }).catch(() => undefined);
      }
      return { processed: sum };
    },
  };
}

/** Temporal may be away: the crossing stays noted, and is told with a later round. */
function notTold(error: unknown): void {
  Context.current().log.warn('a campaign could not be told to pause; trying again', {
    reason: messageOf(error),
  });
}

/** Events are never given up: whatever hinders, it is tried again. The history gets no values of a statement. */
function unavailable(error: unknown): unknown {
  return asFailure(
    new UnavailableError('EVENTS_UNPROCESSED', `Events cannot be processed now: ${messageOf(error)}`, {
      hint: 'They wait in event_inbox; it is tried again.',
    }),
  );
}
