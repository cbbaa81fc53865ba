import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { SignalDefinition, UpdateDefinition } from '@temporalio/common';
import { campaignWorkflowId } from '../domain/names.ts';
import { controlError, isInterrupted, isTimeout } from './client-errors.ts';

/** How long a primary may take to answer. */
export const defaultTimeoutMs = 30_000;
/** Pause before an update is sent again that a workflow's end has interrupted, milliseconds. */
const interruptedPauseMs = 100;

/**
 * The update answers when the change is in force. Where no primary worker answers, the signal of the same name is
 * left for it: durable, and acted on as soon as one is back.
 *
 * @returns undefined where it was only left
 */
export async function control<Request, Result>(
  client: Client,
  campaignId: string,
  update: UpdateDefinition<Result, [Request]>,
  signal: SignalDefinition<[Request]>,
  request: Request,
): Promise<Result | undefined> {
  const handle = client.workflow.getHandle(campaignWorkflowId(campaignId));
  try {
    return await answered(client, defaultTimeoutMs, async (updateId) => {
      return await handle.executeUpdate<Result, [Request]>(update, {
        args: [request],
        updateId,
      });
    });
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

/**
 * Sends an update until it is answered. What the end of a workflow has interrupted is sent again, under the same id: it
 * is one update, however often it is sent.
 */
export async function answered<Result>(
  client: Client,
  timeoutMs: number,
  send: (updateId: string) => Promise<Result>,
): Promise<Result> {
  const updateId = randomUUID();
  const until = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await client.withDeadline(until, async () => await send(updateId));
    } catch (error) {
      if (!isInterrupted(error) || Date.now() > until) throw error;
      await delay(interruptedPauseMs);
    }
  }
}
