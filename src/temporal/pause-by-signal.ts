import type { Client } from '@temporalio/client';
import { isNotFound } from '../client/client-errors.ts';
import { pauseSignal } from '../domain/messages.ts';
import { campaignWorkflowId } from '../domain/names.ts';

/** How long Temporal may take to answer, milliseconds. */
const answerTimeoutMs = 3_000;

/** Pauses campaigns in the name of exm by a signal, which is kept where no primary is alive. False: no workflow runs. */
export function pauseBySignal(client: Client) {
  return async (campaignId: string, reason: string): Promise<boolean> => {
    const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
    try {
      await client.withDeadline(
        Date.now() + answerTimeoutMs,
        async () => await handle.signal(pauseSignal, { by: 'exm', reason }),
      );
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };
}
