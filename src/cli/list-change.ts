import { Command } from 'commander';
import { addToList, removeFromList } from '../contacts/lists/list-members.ts';
import { type RemoveOptions, removeList } from '../contacts/lists/list-use.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';

export function listRmCommand(): Command {
  return withGlobalFlags(new Command('rm'))
    .description('remove a list or segment that nothing uses, the contacts stay')
    .argument('<name>', 'name of the list')
    .option('--with-opt-outs', 'also where people have opted out of it: that is forgotten')
    .addHelpText('after', '\nExample:\n  exm list rm customers-2019')
    .action(
      action<RemoveOptions>(async ({ io, env }, flags, name = '') => {
        const removed = await withDatabase(env, 'list rm', (db) => removeList(db, name, flags));
        io.result(
          { name: removed.name, removed: true },
          `The list "${removed.name}" is gone; its contacts are not.`,
        );
      }),
    );
}

export function listAddCommand(): Command {
  return withGlobalFlags(new Command('add'))
    .description('put a contact on a static list; an opt-out of it stays')
    .argument('<name>', 'name of the list')
    .argument('<email>', 'address of a contact')
    .addHelpText('after', '\nExample:\n  exm list add customers ann@example.com')
    .action(
      action(async ({ io, env }, _flags, name = '', email = '') => {
        const change = await withDatabase(env, 'list add', (db) => addToList(db, name, email));
        io.result(change, `${change.email} is on "${change.list}"${change.changed ? ' now' : ' already'}.`);
      }),
    );
}

export function listRemoveCommand(): Command {
  return withGlobalFlags(new Command('remove'))
    .description('take a contact off a static list; the next import may put it back, an opt-out is for good')
    .argument('<name>', 'name of the list')
    .argument('<email>', 'address of a contact')
    .addHelpText('after', '\nExample:\n  exm list remove customers ann@example.com')
    .action(
      action(async ({ io, env }, _flags, name = '', email = '') => {
        const change = await withDatabase(env, 'list remove', (db) => removeFromList(db, name, email));
        io.result(
          change,
          change.changed
            ? `${change.email} is off "${change.list}" now.`
            : `${change.email} was not on "${change.list}".`,
        );
      }),
    );
}
