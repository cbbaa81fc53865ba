import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { table } from '../../src/cli/table.ts';
import { cancelCampaign, pauseCampaign, resumeCampaign } from '../../src/client/client.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { useDispatchers } from '../support/dispatchers.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * How long it takes until a pause, a resume, a cancel and a change of Sleep are in force on every host: from the
 * moment of the request to the last message that a mail server accepted, or to the first of each dispatcher.
 * `npm run measure:control` prints the table of docs/operations.md, and fails where anything takes over two seconds.
 */
const dispatchers = { count: 10, threads: number('THREADS', 10), sleepMs: number('SLEEP_MS', 500) };
const rounds = number('ROUNDS', 5);
const recipients = 60_000;
const limitMs = 2_000;
/** What is not accepted within this time after a request is not accepted any more. Milliseconds. */
const quietMs = 4_000;
/** By then every slot has a batch again. Milliseconds. */
const settledMs = 8_000;
/** A Sleep that nobody waits for. Milliseconds. */
const longSleepMs = 600_000;

function number(name: string, otherwise: number): number {
  return Number(process.env[name] ?? otherwise);
}

const hosts = useDispatchers(dispatchers);
let client: Client;
beforeAll(async () => {
  await importRecipients(hosts.installation, recipients);
  client = await connectClient(hosts.installation.env);
});
afterAll(async () => await client?.connection.close());

const start = async (): Promise<string> => {
  const id = await createCampaign(hosts.installation);
  const started = await hosts.installation.exm(['campaign', 'start', id, '--json']);
  expect(started.code, started.stderr).toBe(0);
  await untilAllSend(Date.now());
  return id;
};

/** First message of each dispatcher since a moment, as ms after it. */
const firsts = (since: number) =>
  hosts.all.map(({ receiver }) => receiver.messages.find(({ at }) => at >= since)?.at);

const untilAllSend = async (since: number): Promise<number> => {
  await waitFor(() => !firsts(since).includes(undefined), {
    intervalMs: 10,
    describe: () => `every dispatcher to send; ${firsts(since).filter((at) => at !== undefined).length} do`,
  });
  return Math.max(...firsts(since).map((at) => (at ?? 0) - since));
};

/** @returns ms from `since` to the last message that was accepted, once none is any more */
const untilSilent = async (since: number): Promise<number> => {
  const last = () => Math.max(since, ...hosts.all.map(({ receiver }) => receiver.messages.at(-1)?.at ?? 0));
  await waitFor(() => Date.now() - Math.max(since, last()) > quietMs, { describe: 'silence' });
  return last() - since;
};

/** What is to be in force within the limit: name, milliseconds of each round. */
const measured: [string, number[]][] = [];
/** When a pause was answered, which is when every batch was handed back. */
const answered: number[] = [];
const note = (what: string, ms: number) => {
  const row = measured.find(([name]) => name === what);
  if (row === undefined) measured.push([what, [ms]]);
  else row[1].push(ms);
};

test('control', { timeout: 1_800_000 }, async () => {
  const id = await start();
  for (let round = 0; round < rounds; round++) {
    await pause(2_000 * Math.random());
    let told = Date.now();
    const pausing = pauseCampaign(client, id, { by: 'measurement' }).then(() => Date.now() - told);
    note('pause: last message accepted', await untilSilent(told));
    answered.push(await pausing);

    told = Date.now();
    await resumeCampaign(client, id, { by: 'measurement' });
    note('resume: every dispatcher sends again', await untilAllSend(told));

    // A slot that has just got a batch sends its first message without sleeping: not until all of them are at work again.
    await pause(settledMs + 2_000 * Math.random());
    told = Date.now();
    await hosts.sleep(longSleepMs);
    note('longer Sleep: last message accepted', await untilSilent(told));

    told = Date.now();
    await hosts.sleep(dispatchers.sleepMs);
    note('shorter Sleep: every dispatcher sends again', await untilAllSend(told));
  }
  await cancelCampaign(client, id, { by: 'measurement' });
  for (let round = 0; round < rounds; round++) {
    const other = await start();
    const told = Date.now();
    await Promise.all([
      cancelCampaign(client, other, { by: 'measurement' }),
      untilSilent(told).then((ms) => note('cancel: last message accepted', ms)),
    ]);
  }

  const rows = [...measured, ['(pause: answered, every batch handed back)', answered] as const].map(
    ([what, times]) => {
      const sorted = times.toSorted((a, b) => a - b);
      return [what, sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, sorted.at(-1) ?? 0];
    },
  );
  const { count, threads, sleepMs } = dispatchers;
  const title = `${count} dispatchers of ${threads} threads that sleep ${sleepMs} ms, ${rounds} rounds; milliseconds from the request`;
  process.stdout.write(`\n${title}\n\n${table(rows, ['', 'median', 'worst'])}\n\n`);
  const late = measured.flatMap(([what, times]) =>
    times.filter((ms) => ms > limitMs).map((ms) => [what, ms]),
  );
  expect(late, `over ${limitMs} ms`).toEqual([]);
});
