import { Command } from 'commander';
import { describeCampaign } from '../campaigns/describe-campaign.ts';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { campaignText } from './show-campaign.ts';

/** Stands for the public address where none is set: what is shown does not depend on it. */
const anyBaseUrl = 'https://draft.invalid';

/** `exm campaign show ID` */
export function campaignShowCommand(): Command {
  return withGlobalFlags(new Command('show'))
    .description(
      'show what a campaign is: lists, languages, variants, rules, links, files, and how it is personalised',
    )
    .argument('<id>', 'campaign id')
    .addHelpText('after', '\nExample:\n  exm campaign show autumn-7k3f')
    .action(
      action(async ({ io, env }, _flags, id = '') => {
        const campaign = await withDatabase(env, 'campaign show', async (db, { configFile }) => {
          const { managerRoot } = await loadExmConfig(configFile, process.cwd());
          const baseUrl = env['EXM_BASE_URL'] || anyBaseUrl;
          const unsubscribeAddress = env['EXM_UNSUBSCRIBE_ADDRESS'] || undefined;
          return await describeCampaign(db, id, { baseUrl, managerRoot, unsubscribeAddress });
        });
        io.result(campaign, campaignText(campaign));
      }),
    );
}
