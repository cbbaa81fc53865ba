import { proxyActivities } from '@temporalio/workflow';
import type { DispatchActivities } from '../activities/dispatch.ts';
import type { SendBatchInput, SendBatchResult } from '../src/domain/dispatch.ts';
import { sendBatchSteps } from '../src/domain/pipeline.ts';

/**
 * What a dedicated server runs for each batch: CheckPreconditions, SendMessage, FinalizeDispatch. The three are one
 * activity, because they have to run on one host: the check is of that host's content and mail server, and what is
 * finalized are its connections.
 */
export async function SendBatch(input: SendBatchInput): Promise<SendBatchResult> {
  const { first, last } = input.range;
  const { sendBatch } = proxyActivities<DispatchActivities>({
    summary: `${sendBatchSteps.join(', ')} for positions ${first} to ${last}`,
    // Only a death of the host ends it early, and the heartbeat tells that; the longest batch (10,000 recipients and
    // a Sleep of minutes) may take days.
    startToCloseTimeout: '30d',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  });
  return await sendBatch(input);
}
