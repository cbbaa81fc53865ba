import { Command } from 'commander';
import { type ListOptOutState, optInToList, optOutOfList } from '../contacts/consent/list-opt-out.ts';
import { type OptOutState, optIn, optOut } from '../contacts/consent/opt-out.ts';
import { importOptOuts } from '../contacts/import/import-opt-outs.ts';
import { InputError } from '../domain/errors.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { runRefusalsImport } from './refusals-import.ts';

export function contactOptOutCommand(): Command {
  return withGlobalFlags(new Command('opt-out'))
    .description('put an address on the global opt-out list: it gets nothing any more')
    .argument('[email]', 'whether or not it is a contact')
    .option('--file <file>', 'the addresses of this CSV file instead; - reads from stdin')
    .option('--list <name>', 'only as a member of this list, whatever is imported into it later')
    .option('--reason <text>', 'kept with it', 'by hand')
    .option('--rejects <file>', 'with --file: write every refused row to this file, as CSV')
    .addHelpText(
      'after',
      `
Columns of a file: email (required), list (empty: all mail; *: every list that is made later), reason, since (such as
2024-05-31T10:00:00Z). Whoever has opted out already keeps date and reason. "exm contact opt-outs" writes such a file.

Examples:
  exm contact opt-out ann@example.com --reason "asked by phone"
  exm contact opt-out ann@example.com --list customers
  exm contact opt-out --file opt-outs.csv --reason "from EXM"`,
    )
    .action(
      action<Flags>(async ({ io, env }, flags, email) => {
        const { list, reason, file } = flags;
        if (file !== undefined) {
          if (email !== undefined) throw oneOfTwo(email);
          const run: typeof importOptOuts = async (db, input, options) =>
            await importOptOuts(db, input, { ...options, list });
          await runRefusalsImport(io, env, 'contact opt-out', file, flags, run, 'opt-out lists');
          return;
        }
        if (email === undefined) throw oneOfTwo('');
        const state = await withDatabase(env, 'contact opt-out', async (db) =>
          list === undefined ? await optOut(db, email, reason) : await optOutOfList(db, email, list, reason),
        );
        io.result(state, describeOptOut(state));
      }),
    );
}

export function contactOptInCommand(): Command {
  return withGlobalFlags(new Command('opt-in'))
    .description('take an address off the global opt-out list')
    .argument('<email>', 'the address')
    .option('--list <name>', 'take back its opt-out of this list instead')
    .addHelpText(
      'after',
      `
Examples:
  exm contact opt-in ann@example.com
  exm contact opt-in ann@example.com --list customers`,
    )
    .action(
      action<{ list?: string }>(async ({ io, env }, { list }, email = '') => {
        const state = await withDatabase(env, 'contact opt-in', async (db) =>
          list === undefined ? await optIn(db, email) : await optInToList(db, email, list),
        );
        io.result(state, describeOptIn(state));
      }),
    );
}

interface Flags {
  readonly list?: string;
  readonly reason: string;
  readonly file?: string;
  readonly rejects?: string;
}

function oneOfTwo(value: string): InputError {
  return new InputError('ADDRESS_OR_FILE', 'Either one address or a file of them is expected.', {
    field: 'EMAIL',
    value,
    hint: 'Name an address, or a file with --file.',
  });
}

const isOfList = (state: OptOutState | ListOptOutState): state is ListOptOutState => 'list' in state;

function describeOptOut(state: OptOutState | ListOptOutState): string {
  const { email, changed } = state;
  const since = `since ${state.since?.toISOString()}: ${state.reason}`;
  if (!isOfList(state)) {
    return changed
      ? `${email} is on the global opt-out list now.`
      : `${email} is on the global opt-out list ${since}`;
  }
  return changed
    ? `${email} gets nothing as a member of "${state.list}" any more.`
    : `${email} has opted out of "${state.list}" ${since}`;
}

function describeOptIn(state: OptOutState | ListOptOutState): string {
  const { email, changed } = state;
  const rest = `What else may exclude it stays: exm contact show ${email}`;
  if (!isOfList(state)) {
    return changed
      ? `${email} is off the global opt-out list. ${rest}`
      : `${email} is not on the global opt-out list.`;
  }
  return changed
    ? `${email} has not opted out of "${state.list}" any more. ${rest}`
    : `${email} has not opted out of "${state.list}".`;
}
