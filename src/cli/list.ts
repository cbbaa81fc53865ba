import { Command } from 'commander';
import { expressionMaximum } from '../cel/limits.ts';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { createList, type ListReport, listLists, showList } from '../contacts/lists/lists.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { parseWholeNumber } from './flags.ts';
import { listAddCommand, listRemoveCommand, listRmCommand } from './list-change.ts';
import { listTitleCommand } from './list-title.ts';
import { peopleTable } from './people-table.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

export function listCommand(): Command {
  return new Command('list')
    .description('lists of contacts: make, fill, look at and remove them')
    .addCommand(createCommand())
    .addCommand(lsCommand())
    .addCommand(showCommand())
    .addCommand(listTitleCommand())
    .addCommand(listAddCommand())
    .addCommand(listRemoveCommand())
    .addCommand(listRmCommand());
}

function createCommand(): Command {
  return withGlobalFlags(new Command('create'))
    .description('make an empty list')
    .argument('<name>', '1 to 100 characters')
    .addHelpText('after', '\nExample:\n  exm list create customers')
    .action(
      action(async ({ io, env }, _flags, name = '') => {
        const list = await withDatabase(env, 'list create', async (db) => await createList(db, name));
        io.result({ id: list.id, name: list.name }, `The list "${list.name}" is there, with no members yet.`);
      }),
    );
}

function lsCommand(): Command {
  return withGlobalFlags(new Command('ls'))
    .description('list the lists and segments by name')
    .addHelpText('after', '\nExample:\n  exm list ls')
    .action(
      action(async ({ io, env }) => {
        const lists = await withDatabase(env, 'list ls', listLists);
        const rows = lists.map((list) => [list.name, list.members ?? 'segment', minute(list.createdAt)]);
        io.result(
          { lists },
          rows.length === 0
            ? 'There are no lists yet: exm contact import FILE --list NAME'
            : table(rows, ['name', 'members', 'created (UTC)']),
        );
      }),
    );
}

function showCommand(): Command {
  return withGlobalFlags(new Command('show'))
    .description('the numbers of a list and its first members')
    .argument('<name>', 'name of the list')
    .option('--limit <number>', 'how many members to show', parseWholeNumber(0, 1_000), 10)
    .addHelpText('after', '\nExample:\n  exm list show customers --limit 3')
    .action(
      action<{ limit: number }>(async ({ io, env }, { limit }, name = '') => {
        const report = await withDatabase(env, 'list show', async (db, { configFile }) => {
          const config = await loadExmConfig(configFile, process.cwd());
          return await showList(db, name, config.settings, limit);
        });
        io.result(report, describeList(report));
      }),
    );
}

const minute = (at: Date) => at.toISOString().slice(0, 16).replace('T', ' ');

function describeList(list: ListReport): string {
  const parts = [
    `${list.name}: ${list.members} ${list.members === 1 ? 'member' : 'members'}, ${list.reachable} of them could get mail (created ${minute(list.createdAt)} UTC)`,
    ...(list.title === null ? [] : [`For people: ${printable(list.title)}`]),
    ...(list.expression === null ? [] : [`Segment: where ${printable(list.expression, expressionMaximum)}`]),
  ];
  if (list.optedOut > 0) {
    parts.push(
      `${list.optedOut} ${list.optedOut === 1 ? 'address has' : 'addresses have'} opted out of this list.`,
    );
  }
  const excluded = Object.entries(list.excluded);
  if (excluded.length > 0) {
    parts.push(
      table(
        excluded.map(([reason, members]) => [members, reason]),
        ['excluded', 'reason'],
      ),
    );
  }
  if (list.languages.length > 0) {
    const rows = list.languages.map(({ language, members }) => [members, language || 'unknown']);
    parts.push(table(rows, ['members', 'language']));
  }
  if (list.sample.length > 0) {
    parts.push(peopleTable(list.sample));
  }
  return parts.join('\n\n');
}
