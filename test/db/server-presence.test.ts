import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { listServers } from '../../src/db/list-servers.ts';
import { server } from '../../src/db/schema.ts';
import { type NewServer, type ServerPresence, startServerPresence } from '../../src/db/server-presence.ts';
import { liveDispatchers } from '../../src/dispatch/dispatchers.ts';
import { countLiveProcessors } from '../../src/processing/live-processors.ts';
import { useTestDatabase } from '../support/database.ts';

const dispatcher: NewServer = {
  name: 'mta-1',
  role: 'dedicated-dispatch',
  host: 'one',
  pid: process.pid,
  pool: 'default',
  threads: 10,
  sleepMs: 50,
};

const database = useTestDatabase();
const presences: ServerPresence[] = [];
beforeEach(async () => {
  for (const presence of presences.splice(0)) await presence.end(true);
  await database.db.delete(server);
});
afterAll(async () => {
  for (const presence of presences) await presence.end(true);
});

async function enter(row: NewServer): Promise<ServerPresence> {
  const presence = await startServerPresence(database.db, row);
  presences.push(presence);
  return presence;
}

const states = async (all = false) =>
  Object.fromEntries(
    (await listServers(database.db, { all })).servers.map(({ name, state }) => [name, state]),
  );
const namesOfLive = async () => (await liveDispatchers(database.db, 'default')).map(({ name }) => name);

/** Lets time pass for a row. */
async function age(name: string, interval: string): Promise<void> {
  const before = sql`${interval}::interval`;
  await database.db
    .update(server)
    .set({
      seenAt: sql`${server.seenAt} - ${before}`,
      stoppingAt: sql`${server.stoppingAt} - ${before}`,
      stoppedAt: sql`${server.stoppedAt} - ${before}`,
    })
    .where(eq(server.name, name));
}

describe('a server in the table of servers', () => {
  it('is counted for what it can take from its start until it begins to stop', async () => {
    const presence = await enter(dispatcher);
    await enter({ ...dispatcher, name: 'events', role: 'processing', pool: '', threads: 0 });
    expect(await namesOfLive()).toEqual(['mta-1']);
    expect(await countLiveProcessors(database.db)).toBe(1);
    expect(await states()).toEqual({ 'mta-1': 'alive', events: 'alive' });
    await presence.stopping();
    expect(await namesOfLive()).toEqual([]);
    expect(await states()).toEqual({ 'mta-1': 'stopping', events: 'alive' });
    await presence.end(true);
    expect(await namesOfLive()).toEqual([]);
    expect(await states()).toEqual({ 'mta-1': 'stopped', events: 'alive' });
  });

  it('is dead where it fell silent, since it was heard of last', async () => {
    await database.db.insert(server).values({ ...dispatcher, name: 'killed' });
    await age('killed', '1 hour');
    const { servers } = await listServers(database.db, { all: false });
    const [row] = await database.db.select().from(server);
    expect(servers).toMatchObject([{ name: 'killed', state: 'dead', since: row?.seenAt }]);
    expect(await namesOfLive()).toEqual([]);
  });

  it('is dead too where it died while it stopped, or ended by an error', async () => {
    const stopping = { ...dispatcher, name: 'killed while it stopped', stoppingAt: new Date() };
    await database.db.insert(server).values(stopping);
    const failing = await enter({ ...dispatcher, name: 'failed' });
    await failing.end(false);
    expect(await namesOfLive()).toEqual([]);
    for (const name of ['killed while it stopped', 'failed']) await age(name, '1 minute');
    expect(await states()).toEqual({ 'killed while it stopped': 'dead', failed: 'dead' });
  });

  it('is alive again when it is started again', async () => {
    await (await enter(dispatcher)).end(true);
    await enter({ ...dispatcher, host: 'two', pid: 1 });
    expect(await states()).toEqual({ 'mta-1': 'alive' });
    expect(await namesOfLive()).toEqual(['mta-1']);
  });

  it('leaves the list a week after it stopped or died, and comes back when all are asked for', async () => {
    for (const name of ['stopped', 'died', 'stopped long ago', 'died long ago']) {
      await database.db.insert(server).values({ ...dispatcher, name });
    }
    await database.db.update(server).set({ stoppedAt: sql`now()` }).where(sql`name like 'stopped%'`);
    for (const name of ['stopped', 'died']) await age(name, '6 days 23 hours');
    for (const name of ['stopped long ago', 'died long ago']) await age(name, '7 days 1 hour');
    expect(await states()).toEqual({ stopped: 'stopped', died: 'dead' });
    expect((await listServers(database.db, { all: false })).older).toBe(2);
    expect(Object.keys(await states(true))).toHaveLength(4);
  });

  it('keeps its name from others while it stops', async () => {
    const presence = await enter(dispatcher);
    await presence.stopping();
    const other = startServerPresence(database.db, { ...dispatcher, host: 'two' });
    await expect(other).rejects.toMatchObject({ code: 'SERVER_NAME_TAKEN' });
  });
});
