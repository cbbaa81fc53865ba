/**
 * Starting and steering campaigns from any program that has a Temporal client. Nothing here needs the database.
 * The same can be done by Temporal's own command line: the workflow is `DispatchNewsletter`, its id `campaign/<id>`,
 * its input `{ "campaignId": "<id>" }`, and its updates and signals `pause`, `resume` and `cancel`.
 */
import {
  type Client,
  isGrpcDeadlineError,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, type SignalDefinition, type UpdateDefinition } from '@temporalio/common';
import type { DispatchNewsletterInput, DispatchResult, DispatchStatus } from './domain/dispatch.ts';
import { priorities } from './domain/dispatch.ts';
import { FailedError, InputError, RefusedError } from './domain/errors.ts';
import {
  type ControlRequest,
  type ControlResult,
  cancelSignal,
  cancelUpdate,
  type PreconditionFailure,
  type PreconditionsResult,
  pauseSignal,
  pauseUpdate,
  preconditionsUpdate,
  resumeSignal,
  resumeUpdate,
  statusQuery,
} from './domain/messages.ts';
import { campaignWorkflowId, taskQueues, testWorkflowId } from './domain/names.ts';

export type { DispatchNewsletterInput, DispatchResult, DispatchStatus } from './domain/dispatch.ts';
export { ExmError, FailedError, InputError, RefusedError, UnavailableError } from './domain/errors.ts';
export * from './domain/messages.ts';
export type { Totals } from './domain/outcome.ts';

type DispatchNewsletter = (input: DispatchNewsletterInput) => Promise<DispatchResult>;

export interface StartOptions {
  /** EXM_QUEUE_PREFIX of the installation. Default `exm`. */
  readonly queuePrefix?: string | undefined;
  /** Who starts it, for the audit trail. */
  readonly startedBy?: string | undefined;
  /** The campaign's name, to be shown in the Web UI. */
  readonly name?: string | undefined;
  /** How long to wait for the primary to check the conditions, milliseconds. Default 30 s. */
  readonly timeoutMs?: number | undefined;
}

export interface StartedCampaign {
  readonly workflowId: string;
  /** False where no primary worker answered in time: the campaign begins when one does. */
  readonly checked: boolean;
  readonly warnings: readonly PreconditionFailure[];
}

const defaultTimeoutMs = 30_000;

/**
 * Starts a campaign: its workflow, and waits until CheckPreconditions has passed.
 *
 * @throws RefusedError where it is being dispatched already, or a condition is not met (all of them are named)
 * @throws InputError where there is no such campaign
 */
export async function startCampaign(
  client: Client,
  campaignId: string,
  options: StartOptions = {},
): Promise<StartedCampaign> {
  const workflowId = campaignWorkflowId(campaignId);
  const start = new WithStartWorkflowOperation<DispatchNewsletter>('DispatchNewsletter', {
    workflowId,
    workflowIdConflictPolicy: 'FAIL',
    taskQueue: taskQueues(options.queuePrefix).primary,
    args: [{ campaignId, startedBy: options.startedBy }],
    staticSummary: options.name ?? campaignId,
  });
  try {
    const { failures, warnings } = await client.withDeadline(
      Date.now() + (options.timeoutMs ?? defaultTimeoutMs),
      async () =>
        await client.workflow.executeUpdateWithStart(preconditionsUpdate, {
          startWorkflowOperation: start,
          args: [],
        }),
    );
    if (failures.length > 0) throw preconditionsRefused(failures);
    return { workflowId, checked: true, warnings };
  } catch (error) {
    if (isTimeout(error)) return { workflowId, checked: false, warnings: [] };
    throw await startError(client, campaignId, start, error);
  }
}

/** Holds a campaign: nothing more is handed over within two seconds. @throws RefusedError with the reason */
export async function pauseCampaign(
  client: Client,
  campaignId: string,
  request: ControlRequest = {},
): Promise<ControlResult | undefined> {
  return await control(client, campaignId, pauseUpdate, pauseSignal, request);
}

/** Lets a paused campaign go on. @throws RefusedError with the reason */
export async function resumeCampaign(
  client: Client,
  campaignId: string,
  request: ControlRequest = {},
): Promise<ControlResult | undefined> {
  return await control(client, campaignId, resumeUpdate, resumeSignal, request);
}

/** Ends a campaign for good: whoever has not got it is entered as cancelled. @throws RefusedError with the reason */
export async function cancelCampaign(
  client: Client,
  campaignId: string,
  request: ControlRequest = {},
): Promise<ControlResult | undefined> {
  return await control(client, campaignId, cancelUpdate, cancelSignal, request);
}

/** What the workflow says of itself. The books in the database are ahead of it: see `exm campaign status`. */
export async function campaignStatus(client: Client, campaignId: string): Promise<DispatchStatus> {
  try {
    return await client.workflow.getHandle(campaignWorkflowId(campaignId)).query(statusQuery);
  } catch (error) {
    throw error instanceof WorkflowNotFoundError ? notRunning(campaignId) : error;
  }
}

/** Whether the campaign is being dispatched: its workflow runs, be it that no worker has taken it up yet. */
export async function isDispatching(client: Client, campaignId: string): Promise<boolean> {
  try {
    const { status } = await client.withDeadline(
      Date.now() + defaultTimeoutMs,
      async () => await client.workflow.getHandle(campaignWorkflowId(campaignId)).describe(),
    );
    return status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Waits for the end of a campaign, however long it takes. @throws RefusedError where its conditions were not met */
export async function campaignResult(client: Client, campaignId: string): Promise<DispatchResult> {
  try {
    return await client.workflow.getHandle<DispatchNewsletter>(campaignWorkflowId(campaignId)).result();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw notRunning(campaignId);
    throw failedWorkflow(error) ?? error;
  }
}

/** Sends a stored test (`createTestSend`) on a dispatcher of the pool and waits for the mail server's answers. */
export async function runTestSend(
  client: Client,
  test: {
    readonly campaignId: string;
    readonly testSendId: string;
    readonly pool: string;
    readonly queuePrefix?: string | undefined;
  },
): Promise<{ sent: number; failed: number }> {
  const { campaignId, testSendId } = test;
  try {
    return await client.workflow.execute<
      (input: { campaignId: string; testSendId: string }) => Promise<{ sent: number; failed: number }>
    >('SendTestMessage', {
      workflowId: testWorkflowId(campaignId, testSendId),
      taskQueue: taskQueues(test.queuePrefix).dispatch(test.pool),
      args: [{ campaignId, testSendId }],
      priority: { priorityKey: priorities.test },
      workflowExecutionTimeout: '2m',
    });
  } catch (error) {
    const failure = error instanceof WorkflowFailedError ? rootOf(error) : undefined;
    if (failure === undefined) throw error;
    throw new FailedError('TEST_SEND_FAILED', `The test was not sent: ${failure.message}`, {
      field: 'campaign id',
      value: campaignId,
      hint: 'Is a dispatcher alive? "exm doctor" tells.',
      cause: error,
    });
  }
}

/**
 * The update answers when the change is in force. Where no primary worker answers, the signal of the same name is
 * left for it: durable, and acted on as soon as one is back.
 *
 * @returns undefined where it was only left
 */
async function control(
  client: Client,
  campaignId: string,
  update: UpdateDefinition<ControlResult, [ControlRequest]>,
  signal: SignalDefinition<[ControlRequest]>,
  request: ControlRequest,
): Promise<ControlResult | undefined> {
  const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
  try {
    return await client.withDeadline(
      Date.now() + defaultTimeoutMs,
      async () => await handle.executeUpdate<ControlResult, [ControlRequest]>(update, { args: [request] }),
    );
  } catch (error) {
    if (!isTimeout(error)) throw controlError(campaignId, error);
  }
  try {
    await client.withDeadline(
      Date.now() + defaultTimeoutMs,
      async () => await handle.signal(signal, request),
    );
    return undefined;
  } catch (error) {
    throw controlError(campaignId, error);
  }
}

/** What an update or a signal that failed means to the caller. */
function controlError(campaignId: string, error: unknown): unknown {
  if (error instanceof WorkflowNotFoundError) return notRunning(campaignId);
  if (!(error instanceof WorkflowUpdateFailedError)) return error;
  const about = { field: 'campaign id', value: campaignId, cause: error };
  if (error.cause instanceof ApplicationFailure && error.cause.type === 'REFUSED') {
    return new RefusedError('CONTROL_REFUSED', error.cause.message, about);
  }
  return new FailedError('CONTROL_FAILED', `The campaign was not changed: ${rootOf(error).message}`, {
    ...about,
    hint: `"exm campaign status ${campaignId}" shows what it is doing.`,
  });
}

async function startError(
  client: Client,
  campaignId: string,
  start: WithStartWorkflowOperation<DispatchNewsletter>,
  error: unknown,
): Promise<unknown> {
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new RefusedError('CAMPAIGN_RUNNING', 'The campaign is being dispatched already.', {
      field: 'campaign id',
      value: campaignId,
      hint: `"exm campaign status ${campaignId}" shows how far it is.`,
    });
  }
  if (error instanceof RefusedError) return error;
  // The workflow may have ended before it could answer; then its own failure says why.
  try {
    return await client.withDeadline(Date.now() + defaultTimeoutMs, async () => {
      const run = await start.workflowHandle();
      const { status } = await run.describe();
      if (status.name !== 'RUNNING') await run.result();
      return error;
    });
  } catch (ended) {
    return failedWorkflow(ended) ?? error;
  }
}

function failedWorkflow(error: unknown): unknown {
  const failure = error instanceof WorkflowFailedError ? rootOf(error) : undefined;
  if (!(failure instanceof ApplicationFailure)) return undefined;
  const [result] = (failure.details ?? []) as [PreconditionsResult?];
  if (result?.failures !== undefined) return preconditionsRefused(result.failures);
  if (failure.type === 'CAMPAIGN_UNKNOWN') return new InputError('CAMPAIGN_UNKNOWN', failure.message);
  return undefined;
}

function preconditionsRefused(failures: readonly PreconditionFailure[]): RefusedError {
  const list = failures.map(({ condition, message }) => `\n  - ${condition}: ${message}`).join('');
  return new RefusedError('PRECONDITIONS_FAILED', `The campaign cannot start:${list}`, {
    hint: 'Mend these and start it again.',
  });
}

function notRunning(campaignId: string): RefusedError {
  return new RefusedError('CAMPAIGN_NOT_RUNNING', 'The campaign is not being dispatched.', {
    field: 'campaign id',
    value: campaignId,
    hint: `"exm campaign status ${campaignId}" shows its state.`,
  });
}

function rootOf(error: Error): Error {
  let root = error;
  while (root.cause instanceof Error) root = root.cause;
  return root;
}

function isTimeout(error: unknown): boolean {
  if (isGrpcDeadlineError(error) || error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  return error instanceof Error && error.cause !== undefined && isGrpcDeadlineError(error.cause);
}
