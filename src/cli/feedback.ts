import { Command, Option } from 'commander';
import { findCampaign } from '../campaigns/find-campaign.ts';
import { InputError } from '../domain/errors.ts';
import {
  applyDecision,
  type Decision,
  decisions,
  dismissFeedback,
  type FeedbackRow,
  findFeedback,
  retryFeedback,
} from '../feedback/decide-feedback.ts';
import { type ListedFeedback, listFeedback } from '../feedback/list-feedback.ts';
import { actor } from './actor.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { parseWholeNumber } from './flags.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

export function feedbackCommand(): Command {
  return new Command('feedback')
    .description('bounces, complaints and unsubscribes that came by mail, and what of them nobody understood')
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(retryCommand())
    .addCommand(dismissCommand())
    .addCommand(applyCommand());
}

interface ListFlags {
  readonly unclear?: boolean | undefined;
  readonly campaign?: string | undefined;
  readonly limit: number;
}

function listCommand(): Command {
  return withGlobalFlags(new Command('ls'))
    .description('list what came back, the latest first')
    .option('--unclear', 'only what waits for a person')
    .option('--campaign <id>', 'only what is about this campaign')
    .option('--limit <number>', 'as many at the most', parseWholeNumber(1, 10_000), 50)
    .addHelpText(
      'after',
      '\nExamples:\n  exm feedback ls --unclear\n  exm feedback ls --campaign autumn-7k3f',
    )
    .action(
      action<ListFlags>(async ({ io, env }, { unclear, campaign, limit }) => {
        const { rows, total } = await withDatabase(env, 'feedback ls', async (db) => {
          const about = campaign === undefined ? undefined : await findCampaign(db, campaign);
          return await listFeedback(db, { unclear, campaign: about, limit });
        });
        io.result(
          { feedback: rows, total },
          rows.length === 0 ? nothing({ unclear, campaign }) : listing(rows),
        );
        if (total > rows.length) io.note(`${total - rows.length} more: exm feedback ls --limit ${total}`);
      }),
    );
}

function nothing({ unclear, campaign }: Pick<ListFlags, 'unclear' | 'campaign'>): string {
  const about = campaign === undefined ? '' : ` about ${campaign}`;
  return unclear ? `Nothing${about} waits for a person.` : `Nothing${about} came back.`;
}

function showCommand(): Command {
  return withGlobalFlags(new Command('show'))
    .description('one message that came back, with its text where it is kept')
    .argument('<id>', 'its number in "exm feedback ls"')
    .addHelpText('after', '\nExample:\n  exm feedback show 17')
    .action(
      action(async ({ io, env }, _flags, id = '') => {
        const row = await withDatabase(
          env,
          'feedback show',
          async (db) => await findFeedback(db, numberOf(id)),
        );
        const { hash: _, raw, ...rest } = row;
        io.result({ ...rest, text: raw === null ? null : textOf(raw) }, describe(row));
      }),
    );
}

function retryCommand(): Command {
  return withGlobalFlags(new Command('retry'))
    .description('read unclear messages once more, as after an update of exm')
    .argument('[id]', 'its number in "exm feedback ls"')
    .option('--all', 'all that are unclear')
    .addHelpText('after', '\nExamples:\n  exm feedback retry 17\n  exm feedback retry --all')
    .action(
      action<{ all?: boolean }>(async ({ io, env }, { all = false }, id) => {
        if (all === (id !== undefined)) {
          throw new InputError('FEEDBACK_WHICH', 'Say which: one number, or --all.', {
            field: 'id',
            hint: 'For example: exm feedback retry --all',
          });
        }
        const retried = await withDatabase(
          env,
          'feedback retry',
          async (db) => await retryFeedback(db, id === undefined ? undefined : numberOf(id)),
        );
        io.result({ retried }, `${retried} will be read once more by the processing role.`);
      }),
    );
}

function dismissCommand(): Command {
  return withGlobalFlags(new Command('dismiss'))
    .description('put an unclear message aside: nothing follows from it')
    .argument('<id>', 'its number in "exm feedback ls"')
    .addHelpText('after', '\nExample:\n  exm feedback dismiss 17')
    .action(
      action(async ({ io, env }, _flags, id = '') => {
        const number = numberOf(id);
        await withDatabase(env, 'feedback dismiss', async (db) => await dismissFeedback(db, number, actor()));
        io.result({ id: number, state: 'dismissed' }, `${number} is put aside; its text is deleted.`);
      }),
    );
}

function applyCommand(): Command {
  return withGlobalFlags(new Command('apply'))
    .description('say what an unclear message is, and whom it is about')
    .argument('<id>', 'its number in "exm feedback ls"')
    .addOption(
      new Option('--as <what>', 'a bounce for good, a bounce for now, or a complaint')
        .choices(decisions)
        .makeOptionMandatory(),
    )
    .requiredOption('--contact <email>', 'the contact whose message came back')
    .addHelpText('after', '\nExample:\n  exm feedback apply 17 --as hard --contact ann@example.com')
    .action(
      action<{ as: Decision; contact: string }>(async ({ io, env }, { as, contact }, id = '') => {
        const applied = await withDatabase(
          env,
          'feedback apply',
          async (db) => await applyDecision(db, numberOf(id), { as, email: contact, by: actor() }),
        );
        const what = as === 'complaint' ? 'complaint' : `${as} bounce`;
        io.result(applied, `${applied.id} counts as a ${what} about ${applied.campaignId}.`);
      }),
    );
}

function numberOf(id: string): number {
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw new InputError('FEEDBACK_UNKNOWN', 'This is not a number of what came back.', {
    field: 'id',
    value: id.slice(0, 50),
    hint: '"exm feedback ls" lists what there is.',
  });
}

const minute = (at: Date) => at.toISOString().slice(0, 16).replace('T', ' ');

function listing(rows: readonly ListedFeedback[]): string {
  return table(
    rows.map(({ id, receivedAt, source, state, verdict }) => [
      String(id),
      minute(receivedAt),
      source,
      state,
      printable(verdict),
    ]),
    ['id', 'came (UTC)', 'by', 'state', 'what'],
  );
}

function describe({
  id,
  receivedAt,
  source,
  envelopeFrom,
  envelopeTo,
  state,
  verdict,
  raw,
}: FeedbackRow): string {
  const facts = table([
    ['id', String(id)],
    ['came (UTC)', minute(receivedAt)],
    ['by', source],
    ['from', printable(envelopeFrom) || '<>'],
    ['to', printable(envelopeTo) || 'not known'],
    ['state', state],
    ['what', printable(verdict, 500)],
  ]);
  if (raw === null) return `${facts}\n\nIts text is not kept.`;
  const lines = textOf(raw).split(/\r?\n/);
  return `${facts}\n\n${lines.map((line) => printable(line, 1_000)).join('\n')}`;
}

/** What is no UTF-8 is shown as Latin-1, character for character. */
function textOf(raw: Buffer): string {
  const text = raw.toString('utf8');
  return text.includes('\ufffd') ? raw.toString('latin1') : text;
}
