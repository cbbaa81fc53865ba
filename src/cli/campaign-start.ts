import { Command } from 'commander';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { startCampaign } from '../client/client.ts';
import { hasEnded } from '../domain/campaign-state.ts';
import { RefusedError } from '../domain/errors.ts';
import { actor } from './actor.ts';
import { watchCampaign } from './campaign-watch.ts';
import { action, withGlobalFlags } from './command.ts';
import { withClient, withDatabase } from './connections.ts';

export function campaignStartCommand(): Command {
  return withGlobalFlags(new Command('start'))
    .description('start the dispatch of a campaign')
    .argument('<id>', 'campaign id, as "exm campaign create" printed it')
    .option('--watch', 'stay, and show the progress until the campaign has ended')
    .addHelpText('after', '\nExample:\n  exm campaign start autumn-7k3f --watch')
    .action(
      action<{ watch?: boolean }>(async ({ io, env }, flags, id = '') => {
        await withDatabase(env, 'campaign start', async (db, { queuePrefix }) => {
          const { name, state } = await findCampaign(db, id);
          if (hasEnded(state)) {
            throw new RefusedError('CAMPAIGN_ENDED', `The campaign "${name}" has ended: it is ${state}.`, {
              field: 'campaign id',
              value: id,
              hint: 'Create it again from its file to send it once more.',
            });
          }
          await withClient(env, async (client) => {
            const started = await startCampaign(client, id, { queuePrefix, name, startedBy: actor() });
            for (const { condition, message } of started.warnings)
              io.note(`warning: ${condition}: ${message}`);
            if (flags.watch === true) return await watchCampaign(db, io, env, id);
            io.result(
              {
                id,
                started: true,
                checked: started.checked,
                workflowId: started.workflowId,
                warnings: started.warnings,
              },
              `${id} is started. Follow it with: exm campaign watch ${id}`,
            );
          });
        });
      }),
    );
}
