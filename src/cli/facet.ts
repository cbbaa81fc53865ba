import { Argument, Command, Option } from 'commander';
import { listFacets, setFacetType } from '../contacts/facets/set-facet-type.ts';
import { type FacetType, facetTypes } from '../domain/facet.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

export function facetCommand(): Command {
  return new Command('facet')
    .description('facets of contacts, and their types')
    .addCommand(lsCommand())
    .addCommand(setCommand());
}

function lsCommand(): Command {
  return withGlobalFlags(new Command('ls'))
    .description('list the facets by name, with their types and how many contacts have them')
    .addHelpText('after', '\nExample:\n  exm facet ls')
    .action(
      action(async ({ io, env }) => {
        const facets = await withDatabase(env, 'facet ls', listFacets);
        const rows = facets.map(({ name, type, contacts }) => [printable(name), type, contacts]);
        io.result(
          { facets },
          rows.length === 0
            ? 'There are no facets yet: each column of an import that has no meaning of its own is one.'
            : table(rows, ['name', 'type', 'contacts']),
        );
      }),
    );
}

function setCommand(): Command {
  return withGlobalFlags(new Command('set'))
    .description('give a facet a type; the values of all contacts are converted, all of them or none')
    .addArgument(new Argument('<name>', 'name of the facet; it need not be there yet'))
    .addOption(new Option('--type <type>', 'what its values are').choices(facetTypes).makeOptionMandatory())
    .addHelpText(
      'after',
      `
As text, in a file that is imported, a number is 42 or -3.5, a boolean true or false, a date 2026-01-31.

Example:
  exm facet set age --type number`,
    )
    .action(
      action<{ type: FacetType }>(async ({ io, env }, { type }, name = '') => {
        const change = await withDatabase(env, 'facet set', (db) => setFacetType(db, name, type));
        const values = `${change.converted} ${change.converted === 1 ? 'value was' : 'values were'} converted`;
        io.result(
          change,
          change.changed
            ? `The facet "${change.name}" is of the type ${type} now; ${values}.`
            : `The facet "${change.name}" is of the type ${type} already.`,
        );
      }),
    );
}
