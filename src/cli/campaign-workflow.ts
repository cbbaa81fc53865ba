import { type Client, isGrpcDeadlineError } from '@temporalio/client';
import { type CampaignStatus, campaignStatus } from '../campaigns/campaign-status.ts';
import { dispatchingState, campaignStatus as workflowStatus } from '../client/client.ts';
import type { Environment } from '../config/environment.ts';
import type { Database } from '../db/connect.ts';
import { hasStepsLeft, type StateAndSubState, type SubState } from '../domain/campaign-state.ts';
import { messageOf } from '../domain/error-message.ts';
import { lazyClient } from '../temporal/client-connection.ts';
import type { CliIo } from './io.ts';

/** How long Temporal may take to answer before the books are shown without it, milliseconds. */
const patienceMs = 5_000;

/** Whether a campaign's workflow runs, and where it is held and the books do not say so yet, why. */
export interface WorkflowState {
  readonly runs: boolean;
  readonly held?: { readonly reason: string | null } | undefined;
}

/** A campaign's books, and whether its workflow runs. */
export interface WatchedStatus extends CampaignStatus {
  /** Null where it needs none (a Draft, or finished), or where Temporal does not answer. */
  readonly workflowRuns: boolean | null;
}

/**
 * Asks Temporal whether campaigns' workflows run, over one connection that is opened with the first question. The books
 * can be read without Temporal, so that it does not answer is no failure: it is said once, for each time it goes away.
 */
export class CampaignWorkflows {
  private client: Client | undefined;
  private silent = false;

  constructor(
    private readonly env: Environment,
    private readonly io: CliIo,
  ) {}

  /** @returns undefined where Temporal does not answer */
  async stateOf(books: Pick<CampaignStatus, 'id' | 'subState'>): Promise<WorkflowState | undefined> {
    try {
      this.client ??= lazyClient(this.env);
      const state = await dispatchingState(this.client, books.id, patienceMs);
      this.silent = false;
      if (state === undefined) return { runs: false };
      // A database that takes no writes has not heard of it.
      const mayBeHeld = books.subState !== 'Paused' && (state.shown ?? 'Paused') === 'Paused';
      return { runs: true, held: mayBeHeld ? await this.held(this.client, books.id) : undefined };
    } catch (error) {
      const reason = isGrpcDeadlineError(error)
        ? `Temporal does not answer within ${patienceMs / 1_000} s`
        : messageOf(error);
      if (!this.silent) this.io.note(`Whether the campaign's workflow runs cannot be told now: ${reason}`);
      this.silent = true;
      return undefined;
    }
  }

  /** @returns undefined where Temporal does not answer */
  async runs(id: string): Promise<boolean | undefined> {
    return (await this.stateOf({ id, subState: 'Paused' }))?.runs;
  }

  /** Where no primary answers it is not known. */
  private async held(client: Client, campaignId: string): Promise<WorkflowState['held']> {
    const status = await client
      .withDeadline(Date.now() + patienceMs, async () => await workflowStatus(client, campaignId))
      .catch(() => undefined);
    return status?.subState === 'Paused' ? { reason: status.reason ?? null } : undefined;
  }

  async close(): Promise<void> {
    await this.client?.connection.close();
  }
}

/** A campaign's books, and where nothing works on it any more though something is left to do, that and what to do. */
export async function watchedStatus(
  db: Database,
  workflows: CampaignWorkflows,
  campaignId: string,
): Promise<WatchedStatus> {
  const before = await campaignStatus(db, campaignId);
  if (!needsWorkflow(before)) return { ...before, workflowRuns: null };
  const state = await workflows.stateOf(before);
  if (state?.runs !== false) return asHeld({ ...before, workflowRuns: state?.runs ?? null }, state);
  // It may have come to its end since the books were read, and that is told there before the workflow ends.
  const status = await campaignStatus(db, campaignId);
  if (!needsWorkflow(status)) return { ...status, workflowRuns: null };
  return { ...status, workflowRuns: false, reason: withoutWorkflow(status) };
}

/** The books, with what the workflow says where it is ahead of them: that it is held, and why. */
export function asHeld<Books extends { readonly subState: SubState; readonly reason: string | null }>(
  books: Books,
  workflow: WorkflowState | undefined,
): Books {
  return workflow?.held === undefined
    ? books
    : { ...books, subState: 'Paused', reason: workflow.held.reason ?? books.reason };
}

/** True where the books say that something is left to do, which only the workflow does. */
export function needsWorkflow(campaign: StateAndSubState): boolean {
  return campaign.state === 'Queuing' || campaign.state === 'Sending' || hasStepsLeft(campaign);
}

function withoutWorkflow(status: CampaignStatus): string {
  const what = `no workflow runs for this campaign any more: it was ended from outside, or lost${whatIsLeft(status)}`;
  return status.reason === null ? what : `${what}. Before that: ${status.reason}`;
}

/** When that was, and what a person can do about it. */
function whatIsLeft({ id, state, subState }: CampaignStatus): string {
  if (state === 'Sent')
    return `, before its last steps were done. All mail is out; "exm campaign cancel ${id}" gives those steps up`;
  if (subState === 'Cancelled')
    return `, when the campaign had been cancelled. "exm campaign cancel ${id}" enters whoever has no outcome as cancelled`;
  return `. "exm campaign start ${id}" goes on with whoever has no outcome, "exm campaign cancel ${id}" enters them as cancelled`;
}
