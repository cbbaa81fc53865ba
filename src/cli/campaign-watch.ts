import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { type CampaignStatus, campaignStatus } from '../campaigns/campaign-status.ts';
import { findCampaign } from '../campaigns/find-campaign.ts';
import type { Database } from '../db/connect.ts';
import { hasEnded } from '../domain/campaign-state.ts';
import { exitCodes, RefusedError } from '../domain/errors.ts';
import { campaignTotals } from '../reporting/totals.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import type { CliIo } from './io.ts';
import { ProgressDisplay } from './progress-display.ts';
import { stateInWords, statusText } from './show-status.ts';

/** How often the books are looked at for the display, milliseconds. */
const refreshMs = 500;

export function campaignWatchCommand(): Command {
  return withGlobalFlags(new Command('watch'))
    .description('follow a campaign until it has ended; exit code 0 if it is Sent then')
    .argument('<id>', 'campaign id')
    .addHelpText('after', '\nExample:\n  exm campaign watch autumn-7k3f')
    .action(
      action(async ({ io, env }, _flags, id = '') => {
        await withDatabase(env, 'campaign watch', async (db) => {
          const { state, subState } = await findCampaign(db, id);
          if (state === 'Draft' && subState === 'None') {
            throw new RefusedError('CAMPAIGN_NOT_RUNNING', 'The campaign has not been started.', {
              field: 'campaign id',
              value: id,
              hint: `Start it: exm campaign start ${id}`,
            });
          }
          await watchCampaign(db, io, id);
        });
      }),
    );
}

/** Shows a campaign's progress until it has ended, then its books. Sets exit code 1 where it did not become Sent. */
export async function watchCampaign(db: Database, io: CliIo, id: string): Promise<void> {
  const status = await followCampaign(db, io, id);
  io.result(status, statusText(status));
  if (status.state !== 'Sent') process.exitCode = exitCodes.failed;
}

/** Shows a campaign's progress on stderr until it has ended. @returns its books */
export async function followCampaign(db: Database, io: CliIo, id: string): Promise<CampaignStatus> {
  const display = new ProgressDisplay(io);
  try {
    for (;;) {
      const campaign = await findCampaign(db, id);
      const totals = await campaignTotals(db, id);
      display.show(stateInWords(campaign), totals, campaign.reason);
      if (hasEnded(campaign.state)) break;
      await delay(refreshMs);
    }
  } finally {
    display.end();
  }
  return await campaignStatus(db, id);
}
