import { isAbsolute, relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { readSettings } from '../config/settings.ts';
import { type MessagePreview, previewMessage } from '../dispatch/preview-message.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import type { CliIo } from './io.ts';
import { openInBrowser } from './open-in-browser.ts';
import { previewName, writePreview } from './preview-files.ts';
import { printable } from './printable.ts';
import { wrap } from './wrap.ts';

interface PreviewFlags {
  readonly contact: string;
  readonly variant?: string;
  readonly language?: string;
  readonly out: string;
  readonly exact?: boolean;
  readonly force?: boolean;
  readonly open?: boolean;
}

/** Of what is said beside the files. */
const textMaximum = 1_000;

const help = `
It writes ID-EMAIL.eml, .html and .txt, which only you can read. Opening them leaves no trace in the contact's name:
links and Message-ID are those of a test message. With --exact they are the contact's own.

Example:
  exm campaign preview autumn-7k3f --contact ann@example.com --open`;

/** `exm campaign preview ID --contact EMAIL` */
export function campaignPreviewCommand(): Command {
  return withGlobalFlags(new Command('preview'))
    .description('write the message that a contact gets, as .eml, .html and .txt')
    .argument('<id>', 'campaign id')
    .requiredOption('--contact <email>', 'address of a contact')
    .option('--variant <letter>', 'variant (default: the one the contact is dealt, else the winner, else A)')
    .option('--language <language>', 'language (default: the one that the contact gets)')
    .option('--out <dir>', 'folder to write to', '.')
    .addOption(
      new Option('--exact', "with the contact's own links: opening it counts as theirs").conflicts([
        'variant',
        'language',
      ]),
    )
    .option('--force', 'replace files of an earlier preview')
    .option('--open', 'show the HTML in a browser')
    .addHelpText('after', help)
    .action(
      action<PreviewFlags>(async ({ io, env }, flags, id = '') => {
        const { baseUrl, unsubscribeAddress, bounceDomain, keys, configFile } = readSettings(env);
        const { contact: email, variant, language, exact } = flags;
        const preview = await withDatabase(env, 'campaign preview', async (db) => {
          const { managerRoot } = await loadExmConfig(configFile, process.cwd());
          const request = { campaignId: id, email, variant, language, exact };
          return await previewMessage(db, request, {
            baseUrl,
            managerRoot,
            unsubscribeAddress,
            bounceDomain,
            keys,
          });
        });
        const chosen = [variant === undefined ? undefined : preview.variant, language && preview.language];
        const files = await writePreview(preview.message.raw, {
          folder: resolve(flags.out),
          name: previewName(
            id,
            email,
            chosen.filter((one) => one !== undefined),
          ),
          replace: flags.force === true,
        });
        explain(io, preview, flags);
        const {
          variant: letter,
          awaitsWinner,
          language: tag,
          queuedAt,
          isFrozen,
          components,
          ruleFailures,
          message,
        } = preview;
        io.result(
          {
            id,
            contact: email,
            variant: letter,
            awaitsWinner,
            language: tag,
            queuedAt,
            isFrozen,
            exact: exact === true,
            messageId: message.messageId,
            components: Object.fromEntries(components),
            ruleFailures,
            files,
          },
          Object.values(files).map(fromHere).join('\n'),
        );
        if (flags.open === true) {
          const why = await openInBrowser(files.html, env);
          if (why !== undefined)
            io.note(`Not opened, for ${why}: open ${fromHere(files.html)} in a browser.`);
        }
      }),
    );
}

/** The shorter name of a file that is in or below the current folder. */
function fromHere(path: string): string {
  const name = relative(process.cwd(), path);
  return name.startsWith('..') || isAbsolute(name) ? path : name;
}

/** What a person should know who looks at it. */
function explain(io: CliIo, preview: MessagePreview, { contact, exact }: PreviewFlags): void {
  if (io.json) return;
  const { campaignName, variant, variants, awaitsWinner, language, queuedAt, isFrozen } = preview;
  const { components, ruleFailures } = preview;
  const say = (text: string) => io.note(wrap(printable(text, textMaximum)));
  const facts = [
    ...(variants > 1 ? [`variant ${variant}`] : []),
    `language ${language}`,
    queuedAt === null ? 'not queued' : `position ${queuedAt}`,
    isFrozen ? 'frozen' : 'not frozen yet: as it is now',
  ];
  say(`"${campaignName}" as ${contact} gets it (${facts.join(', ')}).`);
  if (awaitsWinner) {
    say(
      `The contact gets the winner of the A/B test, which is not chosen yet: variant ${variant} stands for it here.`,
    );
  }
  const shown = [...components].map(([name, variation]) => `${name} ${variation ?? 'hidden'}`);
  if (shown.length > 0) say(`By its rules: ${shown.join(', ')}.`);
  for (const { component, rule, reason } of ruleFailures) {
    say(`Rule ${rule} of ${component} cannot be evaluated for this contact (${reason}): it does not hold.`);
  }
  if (exact === true)
    say("These are the contact's own links: opening the message or clicking counts as theirs.");
}
