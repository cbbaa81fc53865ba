import { sql } from 'drizzle-orm';
import type { Database } from '../../db/connect.ts';
import { isAlive, type ServerRow } from '../../db/server-presence.ts';
import { type Check, ok, warning, wrong } from './check.ts';

type Living = Pick<ServerRow, 'name' | 'role' | 'threads' | 'health' | 'unready'>;

/** What is needed for a campaign to get anywhere, in words. */
const needed = [
  {
    name: 'Primary',
    is: ({ role }: Living) => role === 'primary',
    start: 'primary',
    without: 'no campaign moves',
  },
  {
    name: 'Dispatchers',
    is: ({ threads }: Living) => threads > 0,
    start: 'dedicated-dispatch',
    without: 'nothing is sent',
  },
  {
    name: 'Content delivery',
    is: ({ role }: Living) => role === 'content-delivery',
    start: 'content-delivery',
    without: 'opens, clicks and unsubscribes lead nowhere',
  },
  {
    name: 'Processing',
    is: ({ role }: Living) => role === 'processing',
    start: 'processing',
    without: 'events wait',
  },
  {
    name: 'Reporting',
    is: ({ role }: Living) => role === 'reporting',
    start: 'reporting',
    without: 'there are no report pages',
  },
];

/** The worker processes that were heard of lately and take work, by what they do. */
export async function checkServers(db: Database): Promise<Check[]> {
  const { rows } = await db.execute<Living & Record<string, unknown>>(sql`
    select name, role, threads, health, unready from server
     where ${isAlive}
     order by name`);
  const presence = needed.map(({ name, is, start, without }) => {
    const living = rows.filter(is);
    if (living.length > 0) return ok(name, living.map((server) => server.name).join(', '));
    return warning(name, `none lives: ${without}`, `Start one with "exm worker ${start}".`);
  });
  const ailing = rows
    .filter(({ health }) => health !== 'ok')
    .map(({ name, health }) => wrong(name, health, 'Look at its log.'));
  const unready = rows.flatMap(({ name, unready }) =>
    Object.entries(unready).map(([id, why]) =>
      warning(
        name,
        `it cannot send the campaign ${id}: ${why}`,
        'The campaign goes on where another dispatcher can.',
      ),
    ),
  );
  return [...presence, ...ailing, ...unready];
}
