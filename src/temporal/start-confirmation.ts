import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/client';
import { priorities } from '../domain/dispatch.ts';
import { defaultPool, taskQueues } from '../domain/names.ts';
import { confirmationMailHours, confirmationWorkflowId } from '../domain/subscription.ts';

/** Temporal is waited for so long. Milliseconds. */
const deadlineMs = 5_000;

/** Starts the workflow SendConfirmation of a request on the dispatchers of the default pool, unless it runs or has run. */
export async function startConfirmation(
  client: Client,
  queuePrefix: string,
  requestId: string,
): Promise<void> {
  try {
    await client.withDeadline(Date.now() + deadlineMs, async () => {
      await client.workflow.start('SendConfirmation', {
        workflowId: confirmationWorkflowId(requestId),
        taskQueue: taskQueues(queuePrefix).dispatch(defaultPool),
        args: [{ requestId }],
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
        workflowRunTimeout: `${confirmationMailHours}h`,
        priority: { priorityKey: priorities.test },
      });
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
