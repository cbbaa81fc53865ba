import { Command } from 'commander';
import type { Database } from '../db/connect.ts';
import { exitCodes } from '../domain/errors.ts';
import { type CampaignAudit, campaignAuditOf, endedOutOfBalance } from '../reporting/campaign-audit.ts';
import { recipientsInDoubt } from '../reporting/in-doubt.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { printParts } from './long-result.ts';
import { auditText, inDoubtHeading, inDoubtLine } from './show-audit.ts';

export function campaignAuditCommand(): Command {
  return withGlobalFlags(new Command('audit'))
    .description("count a campaign's books recipient by recipient; list who is in doubt, and who did what")
    .argument('<id>', 'campaign id')
    .addHelpText(
      'after',
      '\nExits with 1 where a campaign has ended and its books do not balance.\n\nExample:\n  exm campaign audit autumn-7k3f',
    )
    .action(
      action(async ({ io, env }, _flags, id = '') => {
        await withDatabase(env, 'campaign audit', async (db) => {
          const audit = await campaignAuditOf(db, id);
          if (endedOutOfBalance(audit)) process.exitCode = exitCodes.failed;
          await printParts(io.json ? asJson(db, audit) : asText(db, audit));
        });
      }),
    );
}

async function* asText(db: Database, audit: CampaignAudit): AsyncGenerator<string> {
  yield `${auditText(audit)}\n`;
  const heading = inDoubtHeading(audit);
  if (heading === undefined) return;
  yield `\n${heading}\n`;
  for await (const page of recipientsInDoubt(db, audit.id))
    yield page.map((one) => `${inDoubtLine(one, audit)}\n`).join('');
}

/** One object, whose last key is the list of those in doubt, however long it is. */
async function* asJson(db: Database, audit: CampaignAudit): AsyncGenerator<string> {
  yield `${JSON.stringify(audit).slice(0, -1)},"inDoubt":[`;
  let separator = '';
  for await (const page of recipientsInDoubt(db, audit.id)) {
    yield separator + page.map((one) => JSON.stringify(one)).join(',');
    separator = ',';
  }
  yield ']}\n';
}
