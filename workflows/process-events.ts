import {
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
} from '@temporalio/workflow';
import type { ProcessingActivities } from '../activities/process-events.ts';
import { processorsChangedSignal } from '../src/domain/processing.ts';

export interface ProcessEventsInput {
  /**
   * A run starts so many shifts before it is continued as new. Default 100: some 1,000 history events, most of a day
   * with one worker.
   */
  readonly shiftsPerRun?: number;
}

// Local, for the workers' slots are all taken by shifts.
const { countProcessors } = proxyLocalActivities<ProcessingActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

const { processEvents } = proxyActivities<ProcessingActivities>({
  summary: 'turn events into interactions and aggregates',
  // A shift ends by itself after ten minutes. Each batch is a heartbeat, and a batch takes a moment.
  startToCloseTimeout: '20m',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '1s', maximumInterval: '30s' },
});

/**
 * Keeps the processing role at work, for as long as the installation exists: one shift at a time for each worker that
 * is alive. A shift whose worker is gone is taken over by another; with no worker alive the events wait in the inbox.
 */
export async function ProcessEvents(input: ProcessEventsInput = {}): Promise<void> {
  const { shiftsPerRun = 100 } = input;
  let running = 0;
  let started = 0;
  let recount = true;
  let failure: unknown;
  setHandler(processorsChangedSignal, () => {
    recount = true;
  });

  const workShift = async () => {
    running++;
    started++;
    try {
      await processEvents();
    } catch (error) {
      failure = error;
    }
    running--;
    recount = true;
  };

  let wanted = 1;
  while (started < shiftsPerRun) {
    if (recount) {
      recount = false;
      wanted = Math.max(1, await countProcessors());
    }
    while (running < wanted && started < shiftsPerRun) void workShift();
    await condition(() => recount || failure !== undefined);
    if (failure !== undefined) throw failure;
  }
  await condition(() => running === 0);
  await condition(allHandlersFinished);
  await continueAsNew<typeof ProcessEvents>(input);
}
