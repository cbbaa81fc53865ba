import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { campaignResult, isDispatching } from '../client/client.ts';
import type { Environment } from '../config/environment.ts';
import type { Database } from '../db/connect.ts';
import { hasEnded, type StateAndSubState, stateInWords } from '../domain/campaign-state.ts';
import { ExmError, exitCodes, FailedError, RefusedError } from '../domain/errors.ts';
import { waitForWinner } from '../reporting/test-report.ts';
import { campaignTotals } from '../reporting/totals.ts';
import {
  asHeld,
  CampaignWorkflows,
  needsWorkflow,
  type WatchedStatus,
  type WorkflowState,
  watchedStatus,
} from './campaign-workflow.ts';
import { action, withGlobalFlags } from './command.ts';
import { withClient, withDatabase } from './connections.ts';
import type { CliIo } from './io.ts';
import { ProgressDisplay } from './progress-display.ts';
import { statusText } from './show-status.ts';

/** How often the books are looked at for the display, milliseconds. */
const refreshMs = 500;
/** While nothing moves in the books, Temporal is asked so often whether the dispatch is still under way, milliseconds. */
const askIntervalMs = 2_000;

export function campaignWatchCommand(): Command {
  return withGlobalFlags(new Command('watch'))
    .description(
      'follow a campaign until it has ended; exit code 0 if it is Sent then, and nothing is left to do',
    )
    .argument('<id>', 'campaign id')
    .addHelpText('after', '\nExample:\n  exm campaign watch autumn-7k3f')
    .action(
      action(async ({ io, env }, _flags, id = '') => {
        await withDatabase(env, 'campaign watch', async (db) => {
          const { state } = await findCampaign(db, id);
          // A Draft has nothing in its books yet: only Temporal knows whether its dispatch has begun.
          if (
            state === 'Draft' &&
            !(await withClient(env, async (client) => await isDispatching(client, id)))
          ) {
            throw new RefusedError(
              'CAMPAIGN_NOT_RUNNING',
              'The campaign is a Draft and is not being dispatched.',
              {
                field: 'campaign id',
                value: id,
                hint: `Start it: exm campaign start ${id}`,
              },
            );
          }
          await watchCampaign(db, io, env, id);
        });
      }),
    );
}

/**
 * Shows a campaign's progress until it has ended or stands where only a person can move it, then its books. Sets exit
 * code 1 where it did not become Sent, or is Sent with steps of its pipeline undone.
 */
export async function watchCampaign(db: Database, io: CliIo, env: Environment, id: string): Promise<void> {
  const status = await followCampaign(db, io, env, id);
  io.result(status, statusText(status));
  if (!endedWell(status)) process.exitCode = exitCodes.failed;
}

export function endedWell({ state, finished }: WatchedStatus): boolean {
  return state === 'Sent' && finished;
}

/**
 * Shows a campaign's progress on stderr until it has ended, is Sent with a step that failed, or until no workflow runs
 * for it any more. @returns its books
 *
 * @param signal gives up following it; the campaign goes on
 * @throws RefusedError PRECONDITIONS_FAILED, or FailedError, where its dispatch ends and leaves it a Draft
 */
export async function followCampaign(
  db: Database,
  io: CliIo,
  env: Environment,
  id: string,
  signal?: AbortSignal,
): Promise<WatchedStatus> {
  const display = new ProgressDisplay(io);
  const workflows = new CampaignWorkflows(env, io);
  let books = '';
  let askAt = 0;
  let lasting = false;
  let workflow: WorkflowState | undefined;
  try {
    for (;;) {
      const stored = await findCampaign(db, id);
      const campaign = asHeld(stored, workflow);
      const totals = await campaignTotals(db, id);
      // Right after its start a campaign is a Draft still, which is worth a word only where it stays one.
      if (campaign.state !== 'Draft' || lasting)
        display.show(stateInWords(campaign), totals, campaign.reason ?? waitForWinner(stored));
      if (endsWatching(stored)) return await watchedStatus(db, workflows, id);
      // While somebody writes into the books somebody works on the campaign: Temporal need not be asked.
      const now = JSON.stringify([stored.state, stored.subState, totals]);
      if (now !== books) {
        askAt = performance.now() + askIntervalMs;
        workflow = undefined;
      }
      books = now;
      if (performance.now() >= askAt) {
        if (campaign.state === 'Draft') await requireDispatch(db, workflows, env, id);
        else if (needsWorkflow(campaign)) {
          workflow = await workflows.stateOf(stored);
          if (workflow?.runs === false) {
            const status = await watchedStatus(db, workflows, id);
            if (status.workflowRuns === false) return status;
          }
        }
        lasting = true;
        askAt = performance.now() + askIntervalMs;
      }
      await delay(refreshMs);
      signal?.throwIfAborted();
    }
  } finally {
    display.end();
    await workflows.close();
  }
}

/** True where it has ended, or all mail is out and a step that failed is for a person to decide about. */
function endsWatching({ state, subState }: StateAndSubState): boolean {
  return hasEnded(state) && subState !== 'Finishing';
}

/** @throws why the dispatch ended, where it did and the campaign is a Draft still */
async function requireDispatch(
  db: Database,
  workflows: CampaignWorkflows,
  env: Environment,
  id: string,
): Promise<void> {
  if ((await workflows.runs(id)) !== false) return;
  if ((await findCampaign(db, id)).state !== 'Draft') return;
  const cause = await withClient(env, async (client) => await campaignResult(client, id)).catch(
    (error: unknown) => error,
  );
  if (cause instanceof ExmError) throw cause;
  throw new FailedError(
    'DISPATCH_ENDED',
    'The dispatch ended before it had begun; the campaign is a Draft.',
    {
      field: 'campaign id',
      value: id,
      hint: `"exm campaign status ${id}" shows its state; Temporal's Web UI how the workflow ended.`,
      cause,
    },
  );
}
