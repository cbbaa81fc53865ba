import { Command } from 'commander';
import { setListTitle } from '../contacts/lists/list-title.ts';
import { InputError } from '../domain/errors.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';

export function listTitleCommand(): Command {
  return withGlobalFlags(new Command('title'))
    .description('give a list its name for people, which makes it public: people may choose it')
    .argument('<name>', 'name of the list')
    .argument('[title]', '1 to 100 characters')
    .option('--none', 'take the title away: the list is internal again')
    .addHelpText('after', '\nExample:\n  exm list title autumn-news "Autumn news"')
    .action(
      action<{ none?: boolean }>(async ({ io, env }, { none = false }, name = '', title?: string) => {
        if ((title === undefined) !== none) {
          throw new InputError('LIST_TITLE', 'Either a title or --none is expected.', {
            field: 'TITLE',
            value: title,
            hint: 'exm list title NAME "A title", or exm list title NAME --none.',
          });
        }
        const list = await withDatabase(
          env,
          'list title',
          async (db) => await setListTitle(db, name, title ?? null),
        );
        const said =
          list.title === null
            ? `The list "${list.name}" is internal now.`
            : `The list "${list.name}" is public now, as "${list.title}".`;
        io.result({ name: list.name, title: list.title }, said);
      }),
    );
}
