import { Command } from 'commander';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { answerInWords } from '../reporting/recipient/answer.ts';
import { recipientReport } from '../reporting/recipient/read-report.ts';
import { CampaignWorkflows, watchedStatus } from './campaign-workflow.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { whyText } from './show-why.ts';

export function whyCommand(): Command {
  return withGlobalFlags(new Command('why'))
    .description('why a person did or did not get a campaign, or what they are waiting for')
    .argument('<campaign>', 'campaign id')
    .argument('<email>', 'the address of the person')
    .addHelpText('after', '\nExample:\n  exm why autumn-7k3f ann@example.com')
    .action(
      action(async ({ io, env }, _flags, id = '', email = '') => {
        const workflows = new CampaignWorkflows(env, io);
        try {
          await withDatabase(env, 'why', async (db, { configFile }) => {
            const { settings, dispatchManager } = await loadExmConfig(configFile, process.cwd());
            const report = await recipientReport(db, id, email, settings, dispatchManager);
            const words = answerInWords(report);
            // Who waits for a campaign that nothing works on any more waits in vain.
            const isWaiting = report.answer === 'waiting' || report.answer === 'nobody-queued';
            const status = isWaiting ? await watchedStatus(db, workflows, id) : undefined;
            if (status?.workflowRuns === false && status.reason !== null) words.push(`But ${status.reason}.`);
            io.result({ ...report, text: words.join(' ') }, whyText(report, words));
          });
        } finally {
          await workflows.close();
        }
      }),
    );
}
