import { Command, Option } from 'commander';
import { exportOptOuts } from '../contacts/consent/export-refusals.ts';
import { type ExportFormat, exportContacts, exportFormats } from '../contacts/export-contacts.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { writeExport } from './export-output.ts';
import type { CliIo } from './io.ts';
import { type ProgressBar, startProgressBar } from './progress-bar.ts';

interface Flags {
  readonly list?: string;
  readonly format: ExportFormat;
  readonly output?: string;
  readonly forSpreadsheet?: boolean;
}

export function contactExportCommand(): Command {
  return withGlobalFlags(new Command('export'))
    .description('write contacts as CSV that "exm contact import" takes, or as NDJSON')
    .option('--list <name>', 'only who is on this list, static or segmented')
    .addOption(new Option('--format <format>', 'csv, or ndjson').choices([...exportFormats]).default('csv'))
    .option('--output <file>', 'write to this file, which only you may read (default: stdout)')
    .option(
      '--for-spreadsheet',
      'put an apostrophe before what a spreadsheet takes for a formula; such a file is not for an import',
    )
    .addHelpText(
      'after',
      `
In the order of addresses, as of one moment. Values are written as they are, for an import reads them back exactly: a
spreadsheet may take one that begins with = + - or @ for a formula of whoever gave it.
Opt-outs are kept by address, also of people who are no contacts: exm contact opt-outs, exm suppression export.

Examples:
  exm contact export --output contacts.csv
  exm contact export --list customers --format ndjson | jq .facets`,
    )
    .action(
      action<Flags>(async ({ io, env }, { output, ...options }) => {
        await exportTo(io, env, 'contact export', output, 'contacts', async (db, write) => {
          const progress = new ExportProgress(io, output !== undefined || process.stdout.isTTY !== true);
          try {
            return await exportContacts(db, write, { ...options, onProgress: progress.show });
          } finally {
            progress.end();
          }
        });
      }),
    );
}

export function contactOptOutsCommand(): Command {
  return withGlobalFlags(new Command('opt-outs'))
    .description('write every opt-out as CSV that "exm contact opt-out --file" takes')
    .option('--list <name>', 'only those of this list')
    .option('--output <file>', 'write to this file, which only you may read (default: stdout)')
    .addHelpText(
      'after',
      `
Columns: email, list (empty: all mail; *: every list that is made later), reason, since.

Example:
  exm contact opt-outs --output opt-outs.csv`,
    )
    .action(
      action<{ list?: string; output?: string }>(async ({ io, env }, { list, output }) => {
        await exportTo(
          io,
          env,
          'contact opt-outs',
          output,
          'opt-outs',
          async (db, write) => await exportOptOuts(db, write, list),
        );
      }),
    );
}

type Env = Parameters<typeof withDatabase>[0];
type Db = Parameters<Parameters<typeof withDatabase>[2]>[0];

/** On stdout goes nothing but what is exported; what became of it is said where it went to a file. */
export async function exportTo(
  io: CliIo,
  env: Env,
  command: string,
  output: string | undefined,
  what: string,
  run: (db: Db, write: (text: string) => Promise<void>) => Promise<number>,
): Promise<void> {
  const count = await withDatabase(
    env,
    command,
    async (db) => await writeExport(output, async (write) => await run(db, write)),
  );
  if (output !== undefined) io.result({ exported: count, file: output }, `${count} ${what}: ${output}`);
}

/** A bar on stderr, where that does not mix with what is exported. */
class ExportProgress {
  readonly #isShown: boolean;
  readonly #startedAt = performance.now();
  #bar: ProgressBar | undefined;

  constructor(io: CliIo, isApart: boolean) {
    this.#isShown = io.interactive && isApart;
  }

  readonly show = ({ contacts, total }: { contacts: number; total: number }): void => {
    if (!this.#isShown) return;
    const rate = Math.round((contacts * 1_000) / Math.max(1, performance.now() - this.#startedAt));
    const payload = { contacts, rate };
    this.#bar ??= startProgressBar(
      '{bar} {percentage}%  {contacts} contacts  {rate}/s',
      Math.max(1, total),
      payload,
    );
    this.#bar.update(contacts, payload);
  };

  end(): void {
    this.#bar?.stop();
  }
}
