import { Command } from 'commander';
import { createCampaign } from '../campaigns/create-campaign.ts';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { audienceOf } from '../contacts/audience/audience.ts';
import { readCampaignFile } from '../message/definition/campaign-file.ts';
import { actor } from './actor.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { countFindings, showFindings, styleOf } from './show-findings.ts';

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
({de: {subject, template, text}}), fallback ({ca: [es, fr]}), exclude, attachments, embedImages, values, pool, testTo, goals, notify, emulation.`;

/** `exm campaign create FILE` */
export function campaignCreateCommand(): Command {
  return withGlobalFlags(new Command('create'))
    .description('create a campaign from a file (YAML); prints its id')
    .argument('<file>', 'campaign file')
    .addHelpText('after', example)
    .action(
      action(async ({ io, env }, _flags, file = '') => {
        const { definition, locate, files } = await readCampaignFile(file);
        await withDatabase(env, 'campaign create', async (db, { configFile }) => {
          const { settings, managerRoot, dispatchManager } = await loadExmConfig(configFile, process.cwd());
          const { id, warnings } = await createCampaign(db, definition, {
            locate,
            managerRoot,
            files,
            by: actor(),
          });
          const audience = await audienceOf(db, id, settings);
          const { name, include, exclude } = definition;
          const languages = Object.keys(definition.bodies).sort();
          if (warnings.length > 0) {
            io.note(`${showFindings(warnings, styleOf(process.stderr))}\n\n${countFindings(warnings)}\n`);
          }
          if (!io.json) {
            const without = exclude.length === 0 ? '' : `, without ${exclude.join(', ')}`;
            const people = `${audience.queued} ${audience.queued === 1 ? 'person' : 'people'}`;
            const now =
              dispatchManager === undefined
                ? `${people} as of now.`
                : `${people} as of now, but the DispatchManager says who gets it; see "exm campaign audience ${id}".`;
            io.note(`Created "${name}" (${languages.join(', ')}) to ${include.join(', ')}${without}: ${now}`);
          }
          io.result({ id, name, languages, include, exclude, audience, warnings }, id);
        });
      }),
    );
}
