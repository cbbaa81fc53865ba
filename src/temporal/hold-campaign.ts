import type { Client } from '@temporalio/client';
import { type ControlRequest, pauseSignal, statusQuery } from '../domain/messages.ts';
import { campaignWorkflowId } from '../domain/names.ts';

/** How long Temporal may take to answer, milliseconds. */
const answerTimeoutMs = 5_000;

/**
 * Pauses a campaign by way of its workflow, unless it is held already: for a process that cannot say it in the
 * database. By a signal, which is kept where no primary is alive to answer.
 *
 * @param asked whether it was signalled before: then it is not again where no primary answers
 */
export async function holdCampaign(
  client: Client,
  campaignId: string,
  request: ControlRequest,
  asked: boolean,
): Promise<void> {
  const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
  // A query leaves nothing in the history, which a disk that stays full for hours would fill with signals.
  const going = await client
    .withDeadline(Date.now() + answerTimeoutMs, async () => await handle.query(statusQuery))
    .then(
      ({ subState }) => subState !== 'Paused' && subState !== 'Cancelled',
      () => !asked,
    );
  if (!going) return;
  await client.withDeadline(
    Date.now() + answerTimeoutMs,
    async () => await handle.signal(pauseSignal, request),
  );
}
