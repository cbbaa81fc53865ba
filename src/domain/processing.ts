import type { SignalDefinition } from '@temporalio/common';

/** Sent to the workflow ProcessEvents when a processing worker has started: there may be work for one more. */
export const processorsChangedSignal = {
  type: 'signal',
  name: 'processorsChanged',
} as SignalDefinition<[]>;
