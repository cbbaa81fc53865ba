import { Command } from 'commander';
import { eq, sql } from 'drizzle-orm';
import { server } from '../db/schema.ts';
import { presenceTimeoutMs } from '../db/server-presence.ts';
import { InputError } from '../domain/errors.ts';
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
    .description('list the worker processes that live, or lived')
    .addHelpText('after', '\nExample:\n  exm server ls')
    .action(
      action(async ({ io, env }) => {
        const servers = await withDatabase(env, 'server ls', async (db) =>
          db
            .select({
              name: server.name,
              role: server.role,
              pool: server.pool,
              host: server.host,
              pid: server.pid,
              threads: server.threads,
              sleepMs: server.sleepMs,
              health: server.health,
              alive: sql<boolean>`${server.stoppedAt} is null and ${server.seenAt} > now() - ${presenceTimeoutMs} * interval '1 millisecond'`,
            })
            .from(server)
            .orderBy(server.role, server.name),
        );
        const rows = servers.map((row) => [
          row.name,
          row.role,
          row.alive ? 'alive' : 'gone',
          row.threads === 0 ? '' : `${row.threads} threads, sleep ${row.sleepMs} ms, pool ${row.pool}`,
          row.alive ? row.health : '',
        ]);
        io.result(
          { servers },
          rows.length === 0
            ? 'No worker has ever run here.'
            : table(rows, ['name', 'role', '', 'dispatches', 'health']),
        );
      }),
    );
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
