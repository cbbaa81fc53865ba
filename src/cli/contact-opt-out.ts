import { Command } from 'commander';
import { type OptOutState, optIn, optOut } from '../contacts/opt-out.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';

export function contactOptOutCommand(): Command {
  return withGlobalFlags(new Command('opt-out'))
    .description('put an address on the global opt-out list: it gets nothing any more')
    .argument('<email>', 'whether or not it is a contact')
    .option('--reason <text>', 'kept with it', 'by hand')
    .addHelpText('after', '\nExample:\n  exm contact opt-out ann@example.com --reason "asked by phone"')
    .action(
      action<{ reason: string }>(async ({ io, env }, { reason }, email = '') => {
        const state = await withDatabase(
          env,
          'contact opt-out',
          async (db) => await optOut(db, email, reason),
        );
        io.result(
          state,
          state.changed
            ? `${state.email} is on the global opt-out list now.`
            : `${state.email} is on the global opt-out list since ${state.since?.toISOString()}: ${state.reason}`,
        );
      }),
    );
}

export function contactOptInCommand(): Command {
  return withGlobalFlags(new Command('opt-in'))
    .description('take an address off the global opt-out list')
    .argument('<email>', 'the address')
    .addHelpText('after', '\nExample:\n  exm contact opt-in ann@example.com')
    .action(
      action(async ({ io, env }, _flags, email = '') => {
        const state: OptOutState = await withDatabase(
          env,
          'contact opt-in',
          async (db) => await optIn(db, email),
        );
        io.result(
          state,
          state.changed
            ? `${state.email} is off the global opt-out list. What else may exclude it stays: exm contact show ${state.email}`
            : `${state.email} is not on the global opt-out list.`,
        );
      }),
    );
}
