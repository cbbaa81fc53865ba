import { Command, InvalidArgumentError } from 'commander';
import type { CsvDelimiter } from '../contacts/import/csv-records.ts';
import { type ImportReport, importContacts } from '../contacts/import/import-contacts.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { ImportProgressDisplay } from './import-progress.ts';
import { printable } from './printable.ts';
import { refusedPart } from './refused-part.ts';
import { openRejects } from './rejects-file.ts';

interface Flags {
  readonly list: string;
  /** Undefined: found by the header. */
  readonly delimiter?: CsvDelimiter;
  readonly allowConsentGrant?: boolean;
  readonly allowForgotten?: boolean;
  readonly rejects?: string;
}

export function contactImportCommand(): Command {
  return withGlobalFlags(new Command('import'))
    .description('import contacts from a CSV file into a list; all of it or nothing')
    .argument('<file>', 'CSV, UTF-8; - reads from stdin')
    .requiredOption('--list <name>', 'the list they become members of; made where there is none')
    .option('--delimiter <character>', 'comma, semicolon, tab or auto (found by the header)', parseDelimiter)
    .option('--rejects <file>', 'write every refused row to this file, as CSV')
    .option(
      '--allow-consent-grant',
      'let the file take back doNotMarket and consentRevoked, and lower bounceCount',
    )
    .option('--allow-forgotten', 'import also who was erased: they came back by themselves')
    .addHelpText(
      'after',
      `
Columns: email (required), firstName, lastName, language, doNotMarket, consentRevoked, bounceCount; every other
column is a facet. Rows are merged by address: what is left empty in the file stays as it is known. A "no" stays a
"no", whatever the file says, unless --allow-consent-grant is given.

Example:
  exm contact import customers.csv --list customers --rejects refused.csv`,
    )
    .action(
      action<Flags>(async ({ io, env }, flags, file = '') => {
        const report = await withDatabase(env, 'contact import', async (db) => {
          const rejects = flags.rejects === undefined ? undefined : await openRejects(flags.rejects, file);
          const progress = new ImportProgressDisplay(io);
          try {
            const done = await importContacts(db, file === '-' ? process.stdin : file, {
              list: flags.list,
              delimiter: flags.delimiter,
              allowConsentGrant: flags.allowConsentGrant,
              allowForgotten: flags.allowForgotten,
              source: file === '-' ? 'stdin' : file,
              onRefused: rejects?.add,
              onProgress: io.interactive ? progress.show : undefined,
            });
            await rejects?.keep();
            return done;
          } catch (error) {
            await rejects?.discard();
            throw error;
          } finally {
            progress.end();
          }
        });
        io.result(report, describeReport(report, flags.rejects));
      }),
    );
}

const delimiters: Readonly<Record<string, CsvDelimiter | undefined>> = {
  auto: undefined,
  comma: ',',
  ',': ',',
  semicolon: ';',
  ';': ';',
  tab: '\t',
  '\t': '\t',
  '\\t': '\t',
};

function parseDelimiter(text: string): CsvDelimiter | undefined {
  if (Object.hasOwn(delimiters, text)) return delimiters[text];
  throw new InvalidArgumentError('It must be comma, semicolon, tab or auto.');
}

export function describeReport(report: ImportReport, rejectsFile: string | undefined): string {
  const { list, listCreated, imported, created, updated, read, duplicates, refused, warnings } = report;
  const lines = [
    `Imported ${people(imported)} into the ${listCreated ? 'new ' : ''}list "${list}": ${created} created, ${updated} updated.`,
    `${rows(read)} read, ${duplicates} of them with an address that comes again later, ${refused.total} refused.`,
  ];
  lines.push(
    ...refusedPart(refused, rejectsFile),
    ...warnings.map((warning) => `warning: ${printable(warning, 400)}`),
  );
  return lines.join('\n');
}

const people = (count: number) => `${count} ${count === 1 ? 'contact' : 'contacts'}`;
const rows = (count: number) => `${count} ${count === 1 ? 'row' : 'rows'}`;
