import { Context } from '@temporalio/activity';
import type { DispatchHost } from '../src/dispatch/dispatch-host.ts';
import { liveDispatchers, slotsOf } from '../src/dispatch/dispatchers.ts';
import { mailServerAway } from '../src/dispatch/message-sender.ts';
import { sendBatch } from '../src/dispatch/send-batch.ts';
import { sendTestMessage } from '../src/dispatch/send-test-message.ts';
import type { SendBatchInput, SendBatchResult } from '../src/domain/dispatch.ts';
import { asActivities } from './as-activities.ts';

export type DispatchActivities = ReturnType<typeof createDispatchActivities>;

/** The activities of a dispatcher. */
export function createDispatchActivities(host: DispatchHost) {
  return asActivities({
    /** SendBatch on this host: CheckPreconditions (content by hash, lease), SendMessage, FinalizeDispatch. */
    async sendBatch(input: SendBatchInput): Promise<SendBatchResult> {
      // A question for work was on its way when the mail server fell ill.
      if (host.mailServer.condition === 'ill') throw mailServerAway(host);
      const { counts, deferred, rest, stopped } = await sendBatch(host, input, {
        number: Context.current().info.attempt,
        cancelled: Context.current().cancellationSignal,
      });
      const slots = slotsOf(await liveDispatchers(host.db, host.pool));
      return { server: host.name, counts, deferred, rest, stopped, slots };
    },

    /** SendTestMessage: to the addresses stored under the id, one after the other. */
    async sendTestMessage(input: {
      campaignId: string;
      testSendId: string;
    }): Promise<{ sent: number; failed: number }> {
      return await sendTestMessage(host, input);
    },
  });
}
