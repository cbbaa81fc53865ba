import { Command } from 'commander';
import { eq } from 'drizzle-orm';
import { type ListedServer, listServers } from '../db/list-servers.ts';
import { server } from '../db/schema.ts';
import { listedDays } from '../db/server-presence.ts';
import { InputError } from '../domain/errors.ts';
import { countUnclear, unclearInWords } from '../feedback/list-feedback.ts';
import { action, withGlobalFlags } from './command.ts';
import { withDatabase } from './connections.ts';
import { maximumSleepMs, parseWholeNumber } from './flags.ts';
import { table } from './table.ts';

export function serverCommand(): Command {
  return new Command('server')
    .description('the worker processes, and the Sleep of dispatchers')
    .addCommand(listCommand())
    .addCommand(sleepCommand());
}

function listCommand(): Command {
  return withGlobalFlags(new Command('ls'))
    .description(
      `list the worker processes that live, and those that stopped or died in the last ${listedDays} days`,
    )
    .option('--all', 'also those that stopped or died before')
    .addHelpText(
      'after',
      `
States: alive; stopping (takes no new work, and finishes what it is at); stopped (as planned);
dead (fell silent without having said that it stops). Times are UTC.

Example:
  exm server ls`,
    )
    .action(
      action<{ all?: boolean }>(async ({ io, env }, { all = false }) => {
        const { servers, older, unclear } = await withDatabase(env, 'server ls', async (db) => ({
          ...(await listServers(db, { all })),
          unclear: await countUnclear(db),
        }));
        io.result(
          { servers, unclearFeedback: unclear },
          servers.length === 0 ? 'No worker runs here, nor ran lately.' : listing(servers),
        );
        if (older > 0)
          io.note(`${older} more stopped or died over ${listedDays} days ago: exm server ls --all`);
        if (unclear > 0) io.note(`${unclearInWords(unclear)}: exm feedback ls --unclear`);
      }),
    );
}

/** Its own health, and after it the campaigns that it cannot send. */
function healthInWords({ health, unready }: ListedServer): string {
  return [health, ...Object.entries(unready).map(([id, why]) => `cannot send ${id}: ${why}`)].join('; ');
}

function listing(servers: readonly ListedServer[]): string {
  const rows = servers.map((row) => [
    row.name,
    row.role,
    stateInWords(row),
    row.threads === 0 ? '' : `${row.threads} threads, sleep ${row.sleepMs} ms, pool ${row.pool}`,
    row.state === 'alive' || row.state === 'stopping' ? healthInWords(row) : '',
  ]);
  return table(rows, ['name', 'role', 'state', 'dispatches', 'health']);
}

function stateInWords({ state, since }: ListedServer): string {
  const at = since.toISOString().slice(0, 16).replace('T', ' ');
  switch (state) {
    case 'alive':
      return 'alive';
    case 'stopping':
    case 'dead':
      return `${state} since ${at}`;
    case 'stopped':
      return `stopped ${at}`;
  }
}

function sleepCommand(): Command {
  return withGlobalFlags(new Command('sleep'))
    .description("change a dispatcher's Sleep while it runs; until it is restarted")
    .argument('<name>', 'name of the dispatcher')
    .argument('<ms>', 'pause after each message, milliseconds', parseWholeNumber(0, maximumSleepMs))
    .addHelpText('after', '\nExample:\n  exm server sleep dispatch-1 200')
    .action(
      action(async ({ io, env }, _flags, name = '', ms) => {
        const sleepMs = Number(ms);
        const changed = await withDatabase(env, 'server sleep', async (db) =>
          db
            .update(server)
            .set({ sleepMs })
            .where(eq(server.name, name))
            .returning({ name: server.name, threads: server.threads }),
        );
        if (changed[0] === undefined || changed[0].threads === 0) {
          throw new InputError('SERVER_UNKNOWN', 'There is no dispatcher of this name.', {
            field: 'name',
            value: name,
            hint: '"exm server ls" lists them.',
          });
        }
        io.result({ name, sleepMs }, `${name} sleeps ${sleepMs} ms after each message`);
      }),
    );
}
