import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { type CampaignStatus, campaignStatus } from '../campaigns/campaign-status.ts';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { campaignResult, isDispatching } from '../client.ts';
import type { Environment } from '../config/environment.ts';
import type { Database } from '../db/connect.ts';
import { hasEnded } from '../domain/campaign-state.ts';
import { ExmError, exitCodes, FailedError, RefusedError } from '../domain/errors.ts';
import { campaignTotals } from '../reporting/totals.ts';
import { action, withGlobalFlags } from './command.ts';
import { withClient, withDatabase } from './connections.ts';
import type { CliIo } from './io.ts';
import { ProgressDisplay } from './progress-display.ts';
import { stateInWords, statusText } from './show-status.ts';

/** How often the books are looked at for the display, milliseconds. */
const refreshMs = 500;
/** How often Temporal is asked whether the dispatch of a Draft is still under way, milliseconds. */
const askIntervalMs = 2_000;

export function campaignWatchCommand(): Command {
  return withGlobalFlags(new Command('watch'))
    .description('follow a campaign until it has ended; exit code 0 if it is Sent then')
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

/** Shows a campaign's progress until it has ended, then its books. Sets exit code 1 where it did not become Sent. */
export async function watchCampaign(db: Database, io: CliIo, env: Environment, id: string): Promise<void> {
  const status = await followCampaign(db, io, env, id);
  io.result(status, statusText(status));
  if (status.state !== 'Sent') process.exitCode = exitCodes.failed;
}

/**
 * Shows a campaign's progress on stderr until it has ended. @returns its books
 *
 * @throws RefusedError PRECONDITIONS_FAILED, or FailedError, where its dispatch ends and leaves it a Draft
 */
export async function followCampaign(
  db: Database,
  io: CliIo,
  env: Environment,
  id: string,
): Promise<CampaignStatus> {
  const display = new ProgressDisplay(io);
  let askAt = Date.now() + askIntervalMs;
  let lasting = false;
  try {
    for (;;) {
      const campaign = await findCampaign(db, id);
      const totals = await campaignTotals(db, id);
      // Right after its start a campaign is a Draft still, which is worth a word only where it stays one.
      if (campaign.state !== 'Draft' || lasting)
        display.show(stateInWords(campaign), totals, campaign.reason);
      if (hasEnded(campaign.state)) break;
      if (campaign.state === 'Draft' && Date.now() >= askAt) {
        await requireDispatch(db, env, id);
        lasting = true;
        askAt = Date.now() + askIntervalMs;
      }
      await delay(refreshMs);
    }
  } finally {
    display.end();
  }
  return await campaignStatus(db, id);
}

/** @throws why the dispatch ended, where it did and the campaign is a Draft still */
async function requireDispatch(db: Database, env: Environment, id: string): Promise<void> {
  await withClient(env, async (client) => {
    if (await isDispatching(client, id)) return;
    if ((await findCampaign(db, id)).state !== 'Draft') return;
    const cause = await campaignResult(client, id).catch((error: unknown) => error);
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
  });
}
