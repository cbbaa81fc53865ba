import { proxyActivities } from '@temporalio/workflow';
import type { DispatchActivities } from '../activities/dispatch.ts';
import { priorities } from '../src/domain/dispatch.ts';

/** A request to subscribe: who made it stands in the database under this id, never in a history. */
export interface ConfirmationInput {
  readonly requestId: string;
}

/**
 * Sends the mail that asks to confirm a subscription, by a dispatcher, as soon as one takes it. Whoever starts it limits how
 * long it may try.
 *
 * @returns whether it was sent
 */
export async function SendConfirmation({ requestId }: ConfirmationInput): Promise<boolean> {
  const { sendConfirmation } = proxyActivities<DispatchActivities>({
    summary: 'SendConfirmation',
    startToCloseTimeout: '15m',
    heartbeatTimeout: '10s',
    retry: { initialInterval: '5s', maximumInterval: '15m' },
    priority: { priorityKey: priorities.test },
  });
  return await sendConfirmation({ requestId });
}
