import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateKeys, readKeys } from '../../src/config/keys.ts';
import { makeToken } from '../../src/tracking/links/token.ts';
import { useTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';
import { type CuttableDatabase, cuttableDatabase } from '../tracking/cuttable-database.ts';
import { publishedCampaign } from '../tracking/fixtures.ts';

const people = 60_000;
/** Connections that are kept open by clients that are slow, broken or do nothing. */
const crowd = { idle: 2_000, slow: 500, broken: 20, giant: 20 };
/** Honest clients, each with one request at a time. */
const clients = 50;
const awayMs = 60_000;
/** What the process may take at the most, whatever comes. Bytes. */
const memoryMaximum = 400 * 1024 * 1024;

const database = useTestDatabase();
const keyVariables = generateKeys();
const keys = readKeys(keyVariables);
let dir = '';
let wire: CuttableDatabase;
let campaignId = '';
let firstContact = 0;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exm-load-'));
  wire = await cuttableDatabase(database.url);
  campaignId = (await publishedCampaign(database.db)).id;
  const { rows } = await database.db.$client.query<{ first: string }>(
    `with made as (insert into contact (email, email_key)
       select 'load' || n || '@example.org', 'load' || n || '@example.org' from generate_series(1, $1::int) n returning id)
     select min(id) as first from made`,
    [people],
  );
  firstContact = Number(rows[0]?.first);
});
afterAll(async () => {
  await wire.close();
  rmSync(dir, { recursive: true });
});

const start = async (): Promise<WorkerProcess> =>
  await startWorkerProcess(['content-delivery', '--listen', '127.0.0.1:0', '--name', `cd-${Math.random()}`], {
    env: {
      PATH: process.env['PATH'],
      ...keyVariables,
      DATABASE_URL: wire.url,
      EXM_BASE_URL: 'http://127.0.0.1:1',
      EXM_DATA_DIR: dir,
    },
    cwd: dir,
  });

let nextPerson = 0;
const newPerson = () => {
  const contactId = firstContact + nextPerson++;
  const token = makeToken({ campaignId, position: contactId, contactId }, keys);
  return { contactId, token };
};

/** The status of an answer that came whole; 0 for none. */
async function ask(agent: Agent, address: string, path: string, body?: string): Promise<number> {
  return await new Promise((resolve) => {
    const asked = request(
      address + path,
      { agent, method: body === undefined ? 'GET' : 'POST' },
      (answer) => {
        answer.resume();
        answer.once('end', () => resolve(answer.statusCode ?? 0));
        answer.once('error', () => resolve(0));
      },
    );
    asked.once('error', () => resolve(0));
    asked.end(body);
  });
}

/** What was promised to whom: contacts by what they were answered. */
class Promises {
  readonly opened = new Set<number>();
  readonly unsubscribed = new Set<number>();
  /** Told to try again, and did not. */
  readonly kept = new Set<number>();
  readonly statuses = new Map<string, number>();

  count(what: string, status: number): void {
    const key = `${what} ${status}`;
    this.statuses.set(key, (this.statuses.get(key) ?? 0) + 1);
  }
}

/** One honest client: opens, clicks and unsubscribes, one person after the other. */
async function client(address: string, promises: Promises, stop: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (!stop.aborted && nextPerson < people) {
    const { contactId, token } = newPerson();
    const opened = await ask(agent, address, `/o/${token}.gif`);
    promises.count('open', opened);
    if (opened === 200) promises.opened.add(contactId);
    promises.count('click', await ask(agent, address, `/c/${token}/0`));
    const body = contactId % 2 === 0 ? 'List-Unsubscribe=One-Click' : 'scope=all';
    const status = await ask(agent, address, `/u/${token}`, body);
    promises.count('unsubscribe', status);
    if (status === 200) promises.unsubscribed.add(contactId);
    if (status === 503) promises.kept.add(contactId);
    if (status === 0) await sleep(100);
  }
  agent.destroy();
}

/** Clients that no server wishes for. */
function startCrowd(address: string) {
  const { hostname, port } = new URL(address);
  const sockets = new Set<Socket>();
  const timers: NodeJS.Timeout[] = [];
  const open = () => {
    const socket = connect(Number(port), hostname);
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  for (let one = 0; one < crowd.idle; one++) open();
  const slow = `POST /u/${newPerson().token} HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n`;
  for (let one = 0; one < crowd.slow; one++) {
    let socket = open();
    let at = 0;
    timers.push(
      setInterval(() => {
        if (socket.destroyed) {
          socket = open();
          at = 0;
        }
        socket.write(slow[at++] ?? 'x');
      }, 1_000),
    );
  }
  timers.push(
    setInterval(() => {
      for (let one = 0; one < crowd.broken; one++) {
        const socket = open();
        socket.write(`POST /u/${newPerson().token} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nscope=`);
        setTimeout(() => socket.resetAndDestroy(), 50);
      }
      for (let one = 0; one < crowd.giant; one++) {
        open().write(`GET /healthz HTTP/1.1\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`);
      }
    }, 500),
  );
  return {
    stop() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}

const contactsIn = async (text: string) => {
  const { rows } = await database.db.$client.query<{ id: string }>(text);
  return new Set(rows.map(({ id }) => Number(id)));
};
const optedOut = async () =>
  await contactsIn('select contact.id from global_opt_out join contact using (email_key)');
const opens = async () =>
  await contactsIn(`select contact_id as id from event_inbox where type = 'EmailOpened'`);
const missing = (promised: Set<number>, there: Set<number>) => [...promised].filter((id) => !there.has(id));

/** Bytes that a process has had in memory at the most, and how many files and sockets it has open. */
function usageOf({ process: { pid } }: WorkerProcess) {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { peak: Number(peak) * 1_024, open: readdirSync(`/proc/${pid}/fd`).length };
}

describe('content-delivery under load', () => {
  test('with thousands of connections, slow and broken clients and a database away for a minute, loses nothing that it answered', {
    timeout: 300_000,
  }, async () => {
    const worker = await start();
    const promises = new Promises();
    const before = usageOf(worker).open;
    const crowded = startCrowd(worker.address);
    const stop = new AbortController();
    const working = Array.from({ length: clients }, () => client(worker.address, promises, stop.signal));
    await sleep(5_000);
    wire.cut();
    const cutAt = promises.unsubscribed.size;
    await sleep(awayMs);
    const duringCut = promises.unsubscribed.size - cutAt;
    wire.mend();
    // People who come after it are served again, while all the others are still there.
    const served = promises.unsubscribed.size;
    await waitFor(() => promises.unsubscribed.size > served + 100);
    stop.abort();
    await Promise.all(working);
    const usage = usageOf(worker);
    crowded.stop();
    console.info(Object.fromEntries([...promises.statuses].sort()), { duringCut, usage });

    // What was under way when the wire was cut may be answered after it was.
    expect(duringCut).toBeLessThanOrEqual(clients);
    expect(promises.kept.size).toBeGreaterThan(0);
    expect(missing(promises.unsubscribed, await optedOut())).toEqual([]);
    await waitFor(async () => missing(promises.opened, await opens()).length === 0);
    // Nobody has to come back: who was told to try again, and did not, is opted out all the same.
    await waitFor(async () => missing(promises.kept, await optedOut()).length === 0, { timeoutMs: 120_000 });
    expect(worker.process.exitCode).toBeNull();
    expect(usage.peak).toBeLessThan(memoryMaximum);
    await waitFor(() => usageOf(worker).open <= before + 20);
    expect(await worker.stop()).toBe(0);
  });

  test('stopped in the middle of it, answers or refuses, and has stored what it answered', {
    timeout: 120_000,
  }, async () => {
    const worker = await start();
    const promises = new Promises();
    const stop = new AbortController();
    const working = Array.from({ length: clients }, () => client(worker.address, promises, stop.signal));
    await waitFor(() => promises.unsubscribed.size > 500);
    expect(await worker.stop()).toBe(0);
    stop.abort();
    await Promise.all(working);
    console.info(Object.fromEntries([...promises.statuses].sort()));
    expect(missing(promises.unsubscribed, await optedOut())).toEqual([]);
    expect(missing(promises.opened, await opens())).toEqual([]);
  });
});
