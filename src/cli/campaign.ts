import { Command } from 'commander';
import { campaignAudienceCommand } from './campaign-audience.ts';
import { campaignAuditCommand } from './campaign-audit.ts';
import { campaignCheckCommand } from './campaign-check.ts';
import { campaignControlCommand } from './campaign-control.ts';
import { campaignCreateCommand } from './campaign-create.ts';
import { campaignListCommand } from './campaign-ls.ts';
import { campaignPreviewCommand } from './campaign-preview.ts';
import { campaignShowCommand } from './campaign-show.ts';
import { campaignStartCommand } from './campaign-start.ts';
import { campaignStatusCommand } from './campaign-status.ts';
import { campaignTestCommand } from './campaign-test.ts';
import { campaignWatchCommand } from './campaign-watch.ts';
import { campaignWinnerCommand } from './campaign-winner.ts';

export function campaignCommand(): Command {
  return new Command('campaign')
    .description('check, create, start, steer and watch campaigns')
    .addCommand(campaignCheckCommand())
    .addCommand(campaignCreateCommand())
    .addCommand(campaignShowCommand())
    .addCommand(campaignAudienceCommand())
    .addCommand(campaignPreviewCommand())
    .addCommand(campaignTestCommand())
    .addCommand(campaignStartCommand())
    .addCommand(campaignControlCommand('pause'))
    .addCommand(campaignControlCommand('resume'))
    .addCommand(campaignControlCommand('cancel'))
    .addCommand(campaignWinnerCommand())
    .addCommand(campaignStatusCommand())
    .addCommand(campaignWatchCommand())
    .addCommand(campaignAuditCommand())
    .addCommand(campaignListCommand());
}
