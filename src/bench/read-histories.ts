import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { FailedError } from '../domain/errors.ts';
import { campaignWorkflowId } from '../domain/names.ts';
import { type CountedEvent, figuresOf, type HistoryFigures } from './history-figures.ts';

/** Temporal's list of workflows follows what happens after a moment, milliseconds. */
const listedWithinMs = 60_000;
const lookIntervalMs = 200;
const attributesSuffix = 'EventAttributes';

interface Listed {
  readonly workflowId: string;
  readonly runId: string;
}

/** Counts what is in the histories of a campaign that is Sent: its own, of all runs, and those of its batches. */
export async function readHistories(
  client: Client,
  campaignId: string,
  batches: number,
  signal: AbortSignal,
): Promise<HistoryFigures> {
  const listed = await listedWorkflows(client, campaignId, batches, signal);
  const histories: CountedEvent[][] = [];
  for (const { workflowId, runId } of listed) {
    signal.throwIfAborted();
    histories.push(await eventsOf(client, workflowId, runId));
  }
  return figuresOf(histories, batches);
}

async function listedWorkflows(
  client: Client,
  campaignId: string,
  batches: number,
  signal: AbortSignal,
): Promise<readonly Listed[]> {
  const id = campaignWorkflowId(campaignId);
  const query = `(WorkflowId = "${id}" or WorkflowId starts_with "${id}/batch/") and ExecutionStatus != "Running"`;
  const until = performance.now() + listedWithinMs;
  for (;;) {
    const listed: Listed[] = [];
    for await (const { workflowId, runId } of client.workflow.list({ query }))
      listed.push({ workflowId, runId });
    const own = listed.filter(({ workflowId }) => workflowId === id).length;
    if (own > 0 && listed.length - own >= batches) return listed;
    if (performance.now() > until) {
      throw new FailedError(
        'BENCH_HISTORIES',
        'Temporal does not list the histories of a campaign of the bench.',
        {
          field: id,
          value: `${listed.length} histories, ${batches} batches`,
          hint: 'The figures would mean nothing. Please report it.',
        },
      );
    }
    await sleep(lookIntervalMs, undefined, { signal });
  }
}

async function eventsOf(client: Client, workflowId: string, runId: string): Promise<CountedEvent[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).map((event) => {
    const attributes = Object.keys(event).find((key) => key.endsWith(attributesSuffix)) ?? '';
    const attempt = event.activityTaskStartedEventAttributes?.attempt;
    return {
      type: attributes.slice(0, -attributesSuffix.length),
      ...(attempt == null ? {} : { attempt }),
    };
  });
}
