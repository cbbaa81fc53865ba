import { Command } from 'commander';
import { createCampaign } from '../campaigns/create-campaign.ts';
import { readSettings } from '../config/settings.ts';
import { closeDatabase, connectDatabase, pingDatabase } from '../db/connect.ts';
import { requireCurrentSchema } from '../db/migrate.ts';
import { readCampaignFile } from '../message/campaign-file.ts';
import { action, withGlobalFlags } from './command.ts';

const example = `
Example:
  exm campaign create autumn.yaml

The smallest campaign file, with paths relative to it:
  name: Autumn
  from: "News <news@example.com>"
  subject: "Hello {{ contact.firstName }}"
  template: autumn.mjml        # .mjml or .html, Liquid tokens inside
  include: [customers]

It may also have: replyTo, text (a .txt file), language (default en), bodies by language
({de: {subject, template, text}}), exclude, values, pool, testTo, goals, notify, emulation.`;

/** `exm campaign create FILE` */
export function campaignCreateCommand(): Command {
  return withGlobalFlags(new Command('create'))
    .description('create a campaign from a file (YAML); prints its id')
    .argument('<file>', 'campaign file')
    .addHelpText('after', example)
    .action(
      action(async ({ io, env }, _flags, file = '') => {
        const { databaseUrl } = readSettings(env);
        const { definition, locate } = await readCampaignFile(file);
        const db = connectDatabase(databaseUrl, { applicationName: 'exm campaign create', max: 2 });
        try {
          await pingDatabase(db, databaseUrl);
          await requireCurrentSchema(db);
          const { id, warnings } = await createCampaign(db, definition, {
            locate,
            by: env['USER'] ?? env['USERNAME'] ?? 'exm',
          });
          for (const warning of warnings) io.note(`warning: ${warning}`);
          const { name, include, exclude } = definition;
          const languages = Object.keys(definition.bodies).sort();
          const without = exclude.length === 0 ? '' : `, without ${exclude.join(', ')}`;
          if (!io.json)
            io.note(`Created "${name}" (${languages.join(', ')}) to ${include.join(', ')}${without}:`);
          io.result({ id, name, languages, include, exclude, warnings }, id);
        } finally {
          await closeDatabase(db);
        }
      }),
    );
}
