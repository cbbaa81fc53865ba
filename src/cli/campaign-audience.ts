import { Command } from 'commander';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { audienceReport } from '../contacts/audience/audience-report.ts';
import { managedCampaign } from '../contacts/audience/managed/managed-campaign.ts';
import { nameRecipients } from '../contacts/audience/managed/name-recipients.ts';
import { inSnapshot } from '../db/snapshot.ts';
import { queuedAt } from '../reporting/recipient/waiting.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { audienceText } from './show-audience.ts';

/** `exm campaign audience ID` */
export function campaignAudienceCommand(): Command {
  return withGlobalFlags(new Command('audience'))
    .description(
      'count who gets a campaign and who is left out, by reason and by list, before anything is sent',
    )
    .argument('<id>', 'campaign id')
    .addHelpText('after', '\nExample:\n  exm campaign audience autumn-7k3f')
    .action(
      action(async ({ io, env }, _flags, id = '') => {
        const shown = await withDatabase(env, 'campaign audience', async (db, { configFile }) => {
          const { settings, dispatchManager } = await loadExmConfig(configFile, process.cwd());
          const campaign = await findCampaign(db, id);
          const { name, state, subState } = campaign;
          const report = async () => {
            if (campaign.queued !== null || dispatchManager === undefined)
              return await inSnapshot(db, async (snapshot) => await audienceReport(snapshot, id, settings));
            const named = await nameRecipients(db, dispatchManager, managedCampaign(campaign), settings);
            const rules = { ...settings, overruled: dispatchManager.overrules };
            // Its table is gone with the transaction.
            return await db.transaction(async (tx) => await audienceReport(tx, id, rules, named), {
              isolationLevel: 'repeatable read',
            });
          };
          return {
            id,
            name,
            state,
            subState,
            queuedAt: campaign.queued === null ? null : await queuedAt(db, id),
            ...(await report()),
          };
        });
        io.result(shown, audienceText(shown));
      }),
    );
}
