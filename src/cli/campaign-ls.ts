import { Command } from 'commander';
import { listCampaigns } from '../campaigns/campaign-status.ts';
import { stateInWords } from '../domain/campaign-state.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { parseWholeNumber } from './flags.ts';
import { table } from './table.ts';

export function campaignListCommand(): Command {
  return withGlobalFlags(new Command('ls'))
    .description('list the campaigns, the newest first')
    .option('--limit <number>', 'at most so many', parseWholeNumber(1, 10_000), 50)
    .addHelpText('after', '\nExample:\n  exm campaign ls --limit 10')
    .action(
      action<{ limit: number }>(async ({ io, env }, { limit }) => {
        const campaigns = await withDatabase(
          env,
          'campaign ls',
          async (db) => await listCampaigns(db, limit),
        );
        const rows = campaigns.map((line) => [
          line.id,
          line.name,
          stateInWords(line),
          line.queued,
          line.createdAt.slice(0, 16).replace('T', ' '),
        ]);
        const header = ['id', 'name', 'state', 'queued', 'created (UTC)'];
        io.result(
          { campaigns },
          rows.length === 0 ? 'There are no campaigns yet: exm campaign create FILE' : table(rows, header),
        );
      }),
    );
}
