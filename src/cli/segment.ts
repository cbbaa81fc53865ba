import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { expressionMaximum } from '../cel/limits.ts';
import { type RemoveOptions, removeSegment } from '../contacts/lists/list-use.ts';
import {
  checkCondition,
  countMembers,
  createSegment,
  expressionOf,
  listSegments,
  type SavedSegment,
  type SegmentReport,
  sampleMembers,
  setSegment,
  showSegment,
} from '../contacts/segments/segments.ts';
import type { Database } from '../db/connect.ts';
import { InputError } from '../domain/errors.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { parseWholeNumber } from './flags.ts';
import { peopleTable } from './people-table.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

export function segmentCommand(): Command {
  return new Command('segment')
    .description('segmented lists: contacts for whom a condition holds')
    .addCommand(createCommand())
    .addCommand(lsCommand())
    .addCommand(showCommand())
    .addCommand(countCommand())
    .addCommand(sampleCommand())
    .addCommand(setCommand())
    .addCommand(rmCommand());
}

interface ConditionFlags {
  readonly where?: string;
  readonly file?: string;
}

function createCommand(): Command {
  return withCondition(withGlobalFlags(new Command('create')))
    .description('make a segment; campaigns include or exclude it by its name as any list')
    .argument('<name>', '1 to 100 characters')
    .addHelpText(
      'after',
      `
Examples:
  exm segment create berlin --where 'contact.facets.city == "Berlin"'
  exm segment create sleepers --where 'messages(90) > 0 && opens(90) == 0'`,
    )
    .action(
      action<ConditionFlags>(async ({ io, env }, flags, name = '') => {
        const { expression, field } = await givenCondition(flags);
        const saved = await withDatabase(env, 'segment create', (db) =>
          createSegment(db, name, expression, field),
        );
        io.result(saved, describeSaved(saved, `The segment "${saved.name}" is there.`));
      }),
    );
}

function setCommand(): Command {
  return withCondition(withGlobalFlags(new Command('set')))
    .description('give a segment another condition; what is queued already stays')
    .argument('<name>', 'name of the segment')
    .addHelpText(
      'after',
      `\nExample:\n  exm segment set berlin --where 'contact.facets.city in ["Berlin", "Potsdam"]'`,
    )
    .action(
      action<ConditionFlags>(async ({ io, env }, flags, name = '') => {
        const { expression, field } = await givenCondition(flags);
        const saved = await withDatabase(env, 'segment set', (db) => setSegment(db, name, expression, field));
        io.result(saved, describeSaved(saved, `The segment "${saved.name}" has the new condition.`));
      }),
    );
}

function lsCommand(): Command {
  return withGlobalFlags(new Command('ls'))
    .description('list the segments by name')
    .addHelpText('after', '\nExample:\n  exm segment ls')
    .action(
      action(async ({ io, env }) => {
        const segments = await withDatabase(env, 'segment ls', listSegments);
        const rows = segments.map(({ name, expression }) => [
          printable(name),
          printable(expression, expressionMaximum),
        ]);
        io.result(
          { segments },
          rows.length === 0
            ? `There are no segments yet: exm segment create NAME --where 'CEL'`
            : table(rows, ['name', 'condition']),
        );
      }),
    );
}

function showCommand(): Command {
  return withGlobalFlags(new Command('show'))
    .description('the condition of a segment and the campaigns that use it')
    .argument('<name>', 'name of the segment')
    .addHelpText('after', '\nExample:\n  exm segment show berlin')
    .action(
      action(async ({ io, env }, _flags, name = '') => {
        const report = await withDatabase(env, 'segment show', (db) => showSegment(db, name));
        io.result(report, describeSegment(report));
      }),
    );
}

function countCommand(): Command {
  return withCondition(withGlobalFlags(new Command('count')))
    .description('how many contacts are in a segment now')
    .argument('[name]', 'name of the segment; or give a condition')
    .addHelpText(
      'after',
      `\nExamples:\n  exm segment count berlin\n  exm segment count --where 'opens(90) == 0'`,
    )
    .action(
      action<ConditionFlags>(async ({ io, env }, flags, name) => {
        const { members, warnings } = await withDatabase(env, 'segment count', async (db) => {
          const asked = await conditionOf(db, flags, name);
          return { members: await countMembers(db, asked.expression), warnings: asked.warnings };
        });
        const text = `${members} ${members === 1 ? 'contact' : 'contacts'}`;
        io.result({ members, warnings }, withWarnings(text, warnings));
      }),
    );
}

function sampleCommand(): Command {
  return withCondition(withGlobalFlags(new Command('sample')))
    .description('some contacts that are in a segment now')
    .argument('[name]', 'name of the segment; or give a condition')
    .option('--limit <number>', 'how many to show', parseWholeNumber(1, 1_000), 10)
    .addHelpText(
      'after',
      `\nExamples:\n  exm segment sample berlin --limit 3\n  exm segment sample --where 'clicks(30) > 0'`,
    )
    .action(
      action<ConditionFlags & { limit: number }>(async ({ io, env }, flags, name) => {
        const { members, warnings } = await withDatabase(env, 'segment sample', async (db) => {
          const asked = await conditionOf(db, flags, name);
          return {
            members: await sampleMembers(db, asked.expression, flags.limit),
            warnings: asked.warnings,
          };
        });
        const text = members.length === 0 ? 'Nobody is in it now.' : peopleTable(members);
        io.result({ members, warnings }, withWarnings(text, warnings));
      }),
    );
}

function rmCommand(): Command {
  return withGlobalFlags(new Command('rm'))
    .description('remove a segment that no campaign uses; the contacts stay')
    .argument('<name>', 'name of the segment')
    .option('--with-opt-outs', 'also where people have opted out of it: that is forgotten')
    .addHelpText('after', '\nExample:\n  exm segment rm berlin')
    .action(
      action<RemoveOptions>(async ({ io, env }, flags, name = '') => {
        const removed = await withDatabase(env, 'segment rm', (db) => removeSegment(db, name, flags));
        io.result({ name: removed.name, removed: true }, `The segment "${removed.name}" is gone.`);
      }),
    );
}

function withCondition(command: Command): Command {
  return command
    .option('--where <condition>', 'CEL over a contact: docs/segments.md')
    .option('--file <path>', 'read the condition from a file');
}

async function givenCondition({
  where,
  file,
}: ConditionFlags): Promise<{ expression: string; field: string }> {
  if ((where === undefined) === (file === undefined)) {
    throw new InputError('SEGMENT_CONDITION', 'Give a condition with --where, or a file with --file.', {
      field: '--where',
      hint: `Such as --where 'contact.facets.city == "Berlin"'.`,
    });
  }
  if (where !== undefined) return { expression: where, field: '--where' };
  const path = file ?? '';
  try {
    return { expression: (await readFile(path, 'utf8')).trim(), field: path };
  } catch (cause) {
    throw new InputError('SEGMENT_CONDITION', 'The file with the condition cannot be read.', {
      field: '--file',
      value: path,
      hint: 'Name a text file that holds the condition alone.',
      cause,
    });
  }
}

async function conditionOf(
  db: Database,
  flags: ConditionFlags,
  name: string | undefined,
): Promise<{ expression: string; warnings: readonly string[] }> {
  if (name !== undefined && flags.where === undefined && flags.file === undefined) {
    return { expression: await expressionOf(db, name), warnings: [] };
  }
  if (name !== undefined) {
    throw new InputError('SEGMENT_CONDITION', 'Give the name of a segment or a condition, not both.', {
      field: 'NAME',
      value: name,
      hint: 'Leave one of them out.',
    });
  }
  const { expression, field } = await givenCondition(flags);
  return { expression, warnings: await checkCondition(db, expression, field) };
}

function describeSaved({ name, warnings }: SavedSegment, first: string): string {
  return withWarnings(`${first} Who is in it now: exm segment count ${JSON.stringify(name)}`, warnings);
}

function withWarnings(text: string, warnings: readonly string[]): string {
  return [text, ...warnings.map((warning) => `warning: ${warning}`)].join('\n');
}

function describeSegment({ name, title, expression, campaigns, createdAt }: SegmentReport): string {
  return [
    `${name}${title === null ? '' : ` (${title})`}: segment, created ${createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `where ${printable(expression, expressionMaximum)}`,
    campaigns.length === 0 ? 'No campaign uses it.' : `Used by ${campaigns.join(', ')}.`,
  ].join('\n');
}
