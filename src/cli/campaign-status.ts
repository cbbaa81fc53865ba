import { Command } from 'commander';
import { campaignStatus } from '../campaigns/campaign-status.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { statusText } from './show-status.ts';

export function campaignStatusCommand(): Command {
  return withGlobalFlags(new Command('status'))
    .description('show where a campaign stands, by its books')
    .argument('<id>', 'campaign id')
    .addHelpText('after', '\nExample:\n  exm campaign status autumn-7k3f --json')
    .action(
      action(async ({ io, env }, _flags, id = '') => {
        const status = await withDatabase(env, 'campaign status', async (db) => await campaignStatus(db, id));
        io.result(status, statusText(status));
      }),
    );
}
