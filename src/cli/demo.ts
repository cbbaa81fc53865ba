import { Command } from 'commander';
import { createCampaign } from '../campaigns/create-campaign.ts';
import { startCampaign } from '../client/client.ts';
import { type ImportReport, importContacts } from '../contacts/import/import-contacts.ts';
import { exitCodes, FailedError } from '../domain/errors.ts';
import { type LocalParts, startLocalParts } from '../local/index.ts';
import { readCampaignFile } from '../message/definition/campaign-file.ts';
import { packagePath } from '../package-path.ts';
import { actor } from './actor.ts';
import { endedWell, followCampaign } from './campaign-watch.ts';
import type { WatchedStatus } from './campaign-workflow.ts';
import { action, withGlobalFlags } from './command.ts';
import { withClient, withDatabase } from './connections.ts';
import { describeReport } from './contact-import.ts';
import { ImportProgressDisplay } from './import-progress.ts';
import type { CliIo } from './io.ts';
import { statusText } from './show-status.ts';
import { table } from './table.ts';
import { addressRows, stopOnSignals } from './up.ts';

const contactsFile = packagePath('demo/contacts.csv');
const campaignFile = packagePath('demo/newsletter/campaign.yaml');
/** The list that the demo's campaign includes. */
const list = 'subscribers';

export function demoCommand(): Command {
  return withGlobalFlags(new Command('demo'))
    .description('start everything on this machine, import people, send a newsletter, show the outcome')
    .option('--exit', 'stop everything afterwards; without it all keeps running until Ctrl-C')
    .addHelpText(
      'after',
      `
Nothing leaves this machine: a mail catcher takes every message.

Example:
  exm demo --exit --json`,
    )
    .action(
      action<{ exit?: boolean }>(async ({ io, dataDir }, flags) => {
        const stopping = stopOnSignals(io);
        const parts = await startLocalParts({
          dataDir,
          env: process.env,
          tell: (line) => io.note(line),
          signal: stopping.signal,
          hurry: stopping.hurry,
        });
        try {
          const outcome = await runDemo(io, parts, stopping.signal).catch((error) => {
            throw stopping.signal.aborted ? interrupted() : error;
          });
          showOutcome(io, flags.exit === true ? undefined : parts, outcome);
          if (flags.exit === true) return;
          io.note('\nLook around. Ctrl-C stops everything and keeps the data.');
          await stopping.asked;
        } finally {
          stopping.begun();
          await parts.stop();
          io.note(`Stopped. The data are kept in ${dataDir}`);
        }
      }),
    );
}

function interrupted(): FailedError {
  return new FailedError('UP_INTERRUPTED', 'Stopped before the campaign had ended.', {
    hint: 'The data are kept, and "exm up" lets the campaign go on where it stands.',
  });
}

interface DemoOutcome {
  readonly imported: ImportReport;
  readonly campaign: WatchedStatus;
}

async function runDemo(io: CliIo, parts: LocalParts, signal: AbortSignal): Promise<DemoOutcome> {
  const env = { ...parts.env, ...process.env };
  return await withDatabase(env, 'demo', async (db, { queuePrefix }) => {
    io.note('\nImporting demo/contacts.csv');
    const imported = await importDemoContacts(io, db);
    io.note(`${describeReport(imported, undefined)}\n`);
    signal.throwIfAborted();
    const { definition, locate, files } = await readCampaignFile(campaignFile);
    const { id } = await createCampaign(db, definition, { locate, files, by: actor() });
    io.note(`Sending demo/newsletter/campaign.yaml as campaign ${id}`);
    const campaign = await withClient(env, async (client) => {
      await startCampaign(client, id, { queuePrefix, name: definition.name, startedBy: actor() });
      return await followCampaign(db, io, env, id, signal);
    });
    return { imported, campaign };
  });
}

async function importDemoContacts(
  io: CliIo,
  db: Parameters<typeof importContacts>[0],
): Promise<ImportReport> {
  const progress = new ImportProgressDisplay(io);
  try {
    return await importContacts(db, contactsFile, {
      list,
      onProgress: io.interactive ? progress.show : undefined,
    });
  } finally {
    progress.end();
  }
}

/** @param running undefined where everything is about to be stopped: then no address would answer */
function showOutcome(io: CliIo, running: LocalParts | undefined, { imported, campaign }: DemoOutcome): void {
  const addresses = running === undefined ? '' : `\n\n${table(addressRows(running))}`;
  io.result(
    { ...campaign, imported, addresses: running?.addresses },
    `\n${statusText(campaign)}${addresses}`,
  );
  if (!endedWell(campaign)) process.exitCode = exitCodes.failed;
}
