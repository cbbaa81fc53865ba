import { Command, Option } from 'commander';
import { loadExmConfig } from '../config/load-exm-config.ts';
import { exportSuppression } from '../contacts/consent/export-refusals.ts';
import {
  countSuppressed,
  listSuppressed,
  type SuppressionState,
  showSuppression,
  suppress,
  unsuppress,
} from '../contacts/consent/suppression.ts';
import { importSuppression } from '../contacts/import/import-suppression.ts';
import type { Database } from '../db/connect.ts';
import { type SuppressionCause, suppressionCauses } from '../domain/suppression.ts';
import { action, type CommandContext, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { exportTo } from './contact-export.ts';
import { parseWholeNumber } from './flags.ts';
import { printable } from './printable.ts';
import { runRefusalsImport } from './refusals-import.ts';
import { minute, suppressedSince } from './suppressed-since.ts';
import { table } from './table.ts';

export function suppressionCommand(): Command {
  return new Command('suppression')
    .description('the suppression list: addresses no mail server should be bothered with')
    .addCommand(lsCommand())
    .addCommand(showCommand())
    .addCommand(addCommand())
    .addCommand(rmCommand())
    .addCommand(importCommand())
    .addCommand(exportCommand());
}

function lsCommand(): Command {
  return withGlobalFlags(new Command('ls'))
    .description('list suppressed addresses, in their order')
    .option('--limit <number>', 'how many to show', parseWholeNumber(1, 10_000), 50)
    .option('--after <email>', 'go on after this one')
    .addOption(new Option('--cause <cause>', 'only those of this cause').choices(suppressionCauses))
    .addHelpText('after', '\nExample:\n  exm suppression ls --cause hard-bounce --limit 100')
    .action(
      action<{ limit: number; after?: string; cause?: SuppressionCause }>(async ({ io, env }, flags) => {
        const { limit, after, cause } = flags;
        const { entries, total } = await withDatabase(env, 'suppression ls', async (db) => ({
          entries: await listSuppressed(db, limit, after, cause),
          total: await countSuppressed(db, cause),
        }));
        const rows = entries.map((entry) => [
          entry.email,
          minute(entry.since),
          entry.cause,
          printable(entry.reason),
        ]);
        const last = entries.at(-1)?.email;
        const more =
          entries.length === limit && total > limit
            ? `\n\n${total} in all; the next ones: exm suppression ls${cause === undefined ? '' : ` --cause ${cause}`} --after ${last}`
            : '';
        io.result(
          { total, entries },
          total === 0
            ? cause === undefined
              ? 'The suppression list is empty.'
              : `Nobody is suppressed with the cause ${cause}.`
            : `${table(rows, ['address', 'since (UTC)', 'cause', 'reason'])}${more}`,
        );
      }),
    );
}

function showCommand(): Command {
  return withGlobalFlags(new Command('show'))
    .description('whether an address is suppressed, since when and why, and what else holds')
    .argument('<email>', 'the address')
    .addHelpText('after', '\nExample:\n  exm suppression show ann@example.com')
    .action(
      action(async (context, _flags, email = '') => {
        const state = await withSettings(context, 'show', (db, settings) =>
          showSuppression(db, email, settings),
        );
        const { entry } = state;
        const is = entry === null ? 'is not suppressed' : `is suppressed ${suppressedSince(entry)}`;
        context.io.result(state, `${state.email} ${is}.${whatHolds(state)}`);
      }),
    );
}

function addCommand(): Command {
  return withGlobalFlags(new Command('add'))
    .description('suppress an address: it gets nothing any more')
    .argument('<email>', 'whether or not it is a contact')
    .option('--reason <text>', 'kept with it', 'by hand')
    .addHelpText('after', '\nExample:\n  exm suppression add ann@example.com --reason "spam trap"')
    .action(
      action<{ reason: string }>(async (context, { reason }, email = '') => {
        const state = await withSettings(context, 'add', (db, settings) =>
          suppress(db, email, reason, settings),
        );
        const { entry, changed } = state;
        const was = entry === null ? '' : ` ${suppressedSince(entry)}`;
        context.io.result(
          state,
          changed
            ? `${state.email} is suppressed now.${isLookedAt(state)}`
            : `${state.email} is suppressed${was}.${isLookedAt(state)}`,
        );
      }),
    );
}

function rmCommand(): Command {
  return withGlobalFlags(new Command('rm'))
    .description('take an address off the suppression list')
    .argument('<email>', 'the address')
    .addHelpText('after', '\nExample:\n  exm suppression rm ann@example.com')
    .action(
      action(async (context, _flags, email = '') => {
        const state = await withSettings(context, 'rm', (db, settings) => unsuppress(db, email, settings));
        const is = state.changed ? 'is off the suppression list' : 'is not on the suppression list';
        context.io.result(state, `${state.email} ${is}.${whatHolds(state)}`);
      }),
    );
}

function importCommand(): Command {
  return withGlobalFlags(new Command('import'))
    .description('suppress the addresses of a CSV file; all of them or none')
    .argument('<file>', 'CSV, UTF-8; - reads from stdin')
    .option('--reason <text>', 'kept where a row gives none', 'imported')
    .option('--rejects <file>', 'write every refused row to this file, as CSV')
    .addHelpText(
      'after',
      `
Columns: email (required), cause (${suppressionCauses.join(', ')}; default import), reason,
since (such as 2024-05-31T10:00:00Z); others are not looked at. An address that is suppressed already keeps its date, cause and
reason, unless that cause is a bounce and the new one is not.

Example:
  exm suppression import suppressed.csv --reason "from EXM"`,
    )
    .action(
      action<{ reason: string; rejects?: string }>(async ({ io, env }, flags, file = '') => {
        await runRefusalsImport(
          io,
          env,
          'suppression import',
          file,
          flags,
          importSuppression,
          'the suppression list',
        );
      }),
    );
}

function exportCommand(): Command {
  return withGlobalFlags(new Command('export'))
    .description('write the suppression list as CSV that "exm suppression import" takes')
    .option('--output <file>', 'write to this file, which only you may read (default: stdout)')
    .addHelpText('after', '\nExample:\n  exm suppression export --output suppressed.csv')
    .action(
      action<{ output?: string }>(async ({ io, env }, { output }) => {
        await exportTo(io, env, 'suppression export', output, 'addresses', exportSuppression);
      }),
    );
}

type Settings = Parameters<typeof showSuppression>[2];

async function withSettings(
  { env }: CommandContext,
  command: string,
  run: (db: Database, settings: Settings) => Promise<SuppressionState>,
): Promise<SuppressionState & { readonly isLookedAt: boolean }> {
  return await withDatabase(env, `suppression ${command}`, async (db, { configFile }) => {
    const { settings } = await loadExmConfig(configFile, process.cwd());
    return { ...(await run(db, settings)), isLookedAt: settings.checkSuppressionList };
  });
}

function isLookedAt({ isLookedAt: is }: { readonly isLookedAt: boolean }): string {
  return is ? '' : ' The setting checkSuppressionList is off: it gets mail all the same.';
}

function whatHolds(state: SuppressionState & { readonly isLookedAt: boolean }): string {
  const rest = state.excluded.filter((reason) => reason !== 'suppression-list');
  const holds =
    rest.length === 0 ? 'Nothing else keeps it from all mail.' : `It still gets nothing: ${rest.join(', ')}.`;
  const lists = state.listOptOuts.map((list) => `"${printable(list)}"`);
  const optedOut = lists.length === 0 ? '' : ` It has opted out of ${lists.join(', ')}.`;
  return ` ${holds}${optedOut}${state.suppressed ? isLookedAt(state) : ''}`;
}
