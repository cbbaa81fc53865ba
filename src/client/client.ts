/**
 * Starting and steering campaigns from any program that has a Temporal client. Nothing here needs the database.
 * The same can be done by Temporal's own command line: the workflow is `DispatchNewsletter`, its id `campaign/<id>`,
 * its input `{ "campaignId": "<id>" }`, and its updates and signals `pause`, `resume`, `cancel`, `chooseWinner` and
 * `moveDecision`.
 */
import type { Client, WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { DispatchNewsletterInput, DispatchResult, DispatchStatus } from '../domain/dispatch.ts';
import { priorities } from '../domain/dispatch.ts';
import { RefusedError } from '../domain/errors.ts';
import {
  type ControlRequest,
  type ControlResult,
  cancelSignal,
  cancelUpdate,
  chooseWinnerSignal,
  chooseWinnerUpdate,
  type MoveRequest,
  type MoveResult,
  moveDecisionSignal,
  moveDecisionUpdate,
  type PreconditionFailure,
  type PreconditionsResult,
  pauseSignal,
  pauseUpdate,
  preconditionsUpdate,
  resumeSignal,
  resumeUpdate,
  statusQuery,
  type WinnerRequest,
  type WinnerResult,
} from '../domain/messages.ts';
import { campaignWorkflowId, searchAttributes, taskQueues, testWorkflowId } from '../domain/names.ts';
import {
  campaignRunning,
  isAlreadyStarted,
  isNotFound,
  isTimeout,
  notRunning,
  preconditionsRefused,
  startNotConfirmed,
  testSendError,
  workflowFailure,
} from './client-errors.ts';
import { answered, control, defaultTimeoutMs } from './client-updates.ts';

export type { DispatchNewsletterInput, DispatchResult, DispatchStatus } from '../domain/dispatch.ts';
export { ExmError, FailedError, InputError, RefusedError, UnavailableError } from '../domain/errors.ts';
export * from '../domain/messages.ts';
export type { Totals } from '../domain/outcome.ts';

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

const stateAttribute = defineSearchAttributeKey(searchAttributes.state, 'KEYWORD');

/**
 * Starts a campaign: its workflow, and waits until CheckPreconditions has passed.
 *
 * @throws RefusedError where it is being dispatched already, or a condition is not met (all of them are named)
 * @throws InputError where there is no such campaign
 * @throws UnavailableError where Temporal didn't confirm the start in time
 */
export async function startCampaign(
  client: Client,
  campaignId: string,
  options: StartOptions = {},
): Promise<StartedCampaign> {
  const { timeoutMs = defaultTimeoutMs } = options;
  const workflowId = campaignWorkflowId(campaignId);
  const taskQueue = taskQueues(options.queuePrefix).primary;
  // Not a start with the update in one request: that works only with an operation of the client's own copy of the SDK.
  const handle = await startWorkflow(client, campaignId, taskQueue, options);
  try {
    const { failures, warnings } = await answered(client, timeoutMs, async (updateId) => {
      return await handle.executeUpdate<PreconditionsResult, []>(preconditionsUpdate, { updateId });
    });
    if (failures.length === 0) return { workflowId, checked: true, warnings };
    throw preconditionsRefused(failures);
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    if (isTimeout(error)) return { workflowId, checked: false, warnings: [noPrimary(taskQueue, timeoutMs)] };
    await requireNoFailure(client, handle, error);
    return { workflowId, checked: true, warnings: [] };
  }
}

async function startWorkflow(
  client: Client,
  campaignId: string,
  taskQueue: string,
  { startedBy, name, timeoutMs = defaultTimeoutMs }: StartOptions,
): Promise<WorkflowHandle<DispatchNewsletter>> {
  try {
    return await client.withDeadline(
      Date.now() + timeoutMs,
      async () =>
        await client.workflow.start<DispatchNewsletter>('DispatchNewsletter', {
          workflowId: campaignWorkflowId(campaignId),
          workflowIdConflictPolicy: 'FAIL',
          taskQueue,
          args: [{ campaignId, startedBy }],
          staticSummary: name ?? campaignId,
        }),
    );
  } catch (error) {
    if (isAlreadyStarted(error)) throw campaignRunning(campaignId);
    throw isTimeout(error) ? startNotConfirmed(campaignId, error) : error;
  }
}

function noPrimary(taskQueue: string, waitedMs: number): PreconditionFailure {
  return {
    condition: 'primary',
    message:
      `No primary worker answered on the task queue "${taskQueue}" within ${waitedMs / 1000} s. The campaign begins ` +
      'when one does: exm worker primary. If one runs, compare the queue prefix: its EXM_QUEUE_PREFIX and the one given here.',
  };
}

/**
 * The workflow may have ended before it could be asked.
 *
 * @throws its own failure where that is why, or `error` where the workflow runs
 */
async function requireNoFailure(
  client: Client,
  handle: WorkflowHandle<DispatchNewsletter>,
  error: unknown,
): Promise<void> {
  try {
    await client.withDeadline(Date.now() + defaultTimeoutMs, async () => {
      const { status } = await handle.describe();
      if (status.name === 'RUNNING') throw error;
      await handle.result();
    });
  } catch (ended) {
    throw workflowFailure(ended) ?? error;
  }
}

/**
 * Ends a campaign that was cancelled in its books (`cancelled` there) while no workflow ran: by a run that sends
 * nothing, and enters whoever has no outcome as cancelled.
 *
 * @returns undefined where no primary worker answered in time: the books are closed when one does
 */
export async function closeCancelled(
  client: Client,
  campaignId: string,
  options: StartOptions = {},
): Promise<DispatchResult | undefined> {
  const taskQueue = taskQueues(options.queuePrefix).primary;
  const handle = await startWorkflow(client, campaignId, taskQueue, options);
  try {
    return await client.withDeadline(
      Date.now() + (options.timeoutMs ?? defaultTimeoutMs),
      async () => await handle.result(),
    );
  } catch (error) {
    if (isTimeout(error)) return undefined;
    throw workflowFailure(error) ?? error;
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

/**
 * Ends a campaign for good: whoever has not got it is entered as cancelled. One whose mail is all out is Sent, and stays
 * so: where a step that follows has failed, what is left of its pipeline is given up (`stepsGivenUp`).
 * @throws RefusedError with the reason
 */
export async function cancelCampaign(
  client: Client,
  campaignId: string,
  request: ControlRequest = {},
): Promise<ControlResult | undefined> {
  return await control(client, campaignId, cancelUpdate, cancelSignal, request);
}

/**
 * Chooses the winner of an A/B test, whatever the clock would choose later: those behind the test get it.
 * @throws RefusedError with the reason
 */
export async function chooseWinner(
  client: Client,
  campaignId: string,
  request: WinnerRequest,
): Promise<WinnerResult | undefined> {
  return await control(client, campaignId, chooseWinnerUpdate, chooseWinnerSignal, request);
}

/** Moves the time at which the clock chooses the winner of an A/B test. @throws RefusedError with the reason */
export async function moveDecision(
  client: Client,
  campaignId: string,
  request: MoveRequest,
): Promise<MoveResult | undefined> {
  return await control(client, campaignId, moveDecisionUpdate, moveDecisionSignal, request);
}

/** What the workflow says of itself. The books in the database are ahead of it: see `exm campaign status`. */
export async function campaignStatus(client: Client, campaignId: string): Promise<DispatchStatus> {
  try {
    return await client.workflow.getHandle(campaignWorkflowId(campaignId)).query(statusQuery);
  } catch (error) {
    throw isNotFound(error) ? notRunning(campaignId) : error;
  }
}

/** Whether the campaign is being dispatched: its workflow runs, be it that no worker has taken it up yet. */
export async function isDispatching(
  client: Client,
  campaignId: string,
  timeoutMs = defaultTimeoutMs,
): Promise<boolean> {
  return (await dispatchingState(client, campaignId, timeoutMs)) !== undefined;
}

/**
 * The state under which a campaign's workflow is found in Temporal (`ExmState`), as far as the namespace knows it.
 *
 * @returns undefined where no workflow runs
 */
export async function dispatchingState(
  client: Client,
  campaignId: string,
  timeoutMs = defaultTimeoutMs,
): Promise<{ readonly shown: string | undefined } | undefined> {
  try {
    const { status, typedSearchAttributes } = await client.withDeadline(
      Date.now() + timeoutMs,
      async () => await client.workflow.getHandle(campaignWorkflowId(campaignId)).describe(),
    );
    if (status.name !== 'RUNNING') return undefined;
    return { shown: typedSearchAttributes.get(stateAttribute) };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Waits for the end of a campaign, however long it takes. @throws RefusedError where its conditions were not met */
export async function campaignResult(client: Client, campaignId: string): Promise<DispatchResult> {
  try {
    return await client.workflow.getHandle<DispatchNewsletter>(campaignWorkflowId(campaignId)).result();
  } catch (error) {
    if (isNotFound(error)) throw notRunning(campaignId);
    throw workflowFailure(error) ?? error;
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
    throw testSendError(campaignId, error);
  }
}
