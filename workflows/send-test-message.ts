import { executeChild, proxyActivities } from '@temporalio/workflow';
import type { DispatchActivities } from '../activities/dispatch.ts';
import { priorities } from '../src/domain/dispatch.ts';
import { testWorkflowId } from '../src/domain/names.ts';
import type { DispatchRun } from './dispatch-run.ts';

/** A test send: the addresses stand in the database under this id, never in a history. */
export interface TestMessageInput {
  readonly campaignId: string;
  readonly testSendId: string;
}

export interface TestMessageResult {
  readonly sent: number;
  readonly failed: number;
}

/** Sends the campaign's message to given addresses, marked as a test, outside the statistics. Runs on a dispatcher. */
export async function SendTestMessage(input: TestMessageInput): Promise<TestMessageResult> {
  const { sendTestMessage } = proxyActivities<DispatchActivities>({
    summary: 'SendTestMessage',
    startToCloseTimeout: '10m',
    heartbeatTimeout: '10s',
    // A test that went out may have gone out: it is the person at the keyboard who tries again.
    retry: { maximumAttempts: 1 },
    priority: { priorityKey: priorities.test },
  });
  return await sendTestMessage(input);
}

/** The test send as a step of DispatchNewsletter; the mail servers' replies stand in the database. */
export async function testSend(run: DispatchRun, { testSendId }: { testSendId: string }): Promise<void> {
  const { campaignId } = run.campaign;
  await executeChild(SendTestMessage, {
    workflowId: testWorkflowId(campaignId, testSendId),
    taskQueue: run.plan.dispatchQueue,
    args: [{ campaignId, testSendId }],
    priority: { priorityKey: priorities.test },
    // Where no dispatcher is alive the campaign must not wait for a test.
    workflowRunTimeout: '10m',
  });
}
