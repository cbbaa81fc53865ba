import { Command } from 'commander';
import { CampaignWorkflows, watchedStatus } from './campaign-workflow.ts';
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
        const workflows = new CampaignWorkflows(env, io);
        try {
          const status = await withDatabase(
            env,
            'campaign status',
            async (db) => await watchedStatus(db, workflows, id),
          );
          io.result(status, statusText(status));
        } finally {
          await workflows.close();
        }
      }),
    );
}
