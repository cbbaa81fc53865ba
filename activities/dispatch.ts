import { ApplicationFailure, Context } from '@temporalio/activity';
import type { DispatchHost } from '../src/dispatch/dispatch-host.ts';
import { capacityOf, liveDispatchers } from '../src/dispatch/dispatchers.ts';
import { mailServerAway } from '../src/dispatch/message-sender.ts';
import { sendBatch } from '../src/dispatch/send-batch.ts';
import { sendConfirmation } from '../src/dispatch/send-confirmation.ts';
import { sendTestMessage } from '../src/dispatch/send-test-message.ts';
import type { SendBatchInput, SendBatchResult } from '../src/domain/dispatch.ts';
import { withoutAddresses } from '../src/domain/error-message.ts';
import { ExmError } from '../src/domain/errors.ts';
import { asActivities } from './as-activities.ts';

export type DispatchActivities = ReturnType<typeof createDispatchActivities>;

/** The activities of a dispatcher. */
export function createDispatchActivities(host: DispatchHost) {
  return asActivities({
    /** SendBatch on this host: CheckPreconditions (content by hash, lease), SendMessage, FinalizeDispatch. */
    async sendBatch(input: SendBatchInput): Promise<SendBatchResult> {
      // A question for work was on its way when the mail server fell ill.
      if (host.mailServer.condition === 'ill') throw mailServerAway(host);
      const { rest, ...sent } = await sendBatch(host, input, {
        number: Context.current().info.attempt,
        cancelled: Context.current().cancellationSignal,
      }).catch((error) => {
        throw isHandedBack(error) ? forAnother(host, error) : error;
      });
      const capacity = capacityOf(await liveDispatchers(host.db, host.pool), input.campaignId);
      return { server: host.name, ...sent, rest, capacity };
    },

    /** SendTestMessage: to the addresses stored under the id, one after the other. */
    async sendTestMessage(input: {
      campaignId: string;
      testSendId: string;
    }): Promise<{ sent: number; failed: number }> {
      return await asTest(host, async () => await sendTestMessage(host, input));
    },

    /** SendConfirmation: the mail that asks to confirm the request of this id. */
    async sendConfirmation({ requestId }: { requestId: string }): Promise<boolean> {
      if (host.mailServer.condition === 'ill') throw mailServerAway(host);
      return await asTest(host, async () => await sendConfirmation(host, requestId));
    },
  });
}

/** A message by itself takes a place that a batch would have. */
async function asTest<Result>(
  { pace, nextBatch }: DispatchHost,
  send: () => Promise<Result>,
): Promise<Result> {
  const ended = pace.accepted();
  const work = nextBatch.tookTest();
  try {
    return await send();
  } finally {
    work.ended();
    ended();
  }
}

function isHandedBack(error: unknown): error is ExmError {
  return error instanceof ExmError && error.code === 'BATCH_HANDED_BACK';
}

/** Another dispatcher can take the batch at once, and must not wait for the longer the more often this one was quicker. */
function forAnother({ pace }: DispatchHost, { code, message }: ExmError): ApplicationFailure {
  pace.handedBack();
  return ApplicationFailure.create({
    type: code,
    message: withoutAddresses(message),
    nonRetryable: false,
    nextRetryDelay: '1s',
  });
}
