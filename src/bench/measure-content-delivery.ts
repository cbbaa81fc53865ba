import { asc, eq, sql } from 'drizzle-orm';
import { readKeys } from '../config/keys.ts';
import { dispatchQueue, eventInbox } from '../db/schema.ts';
import { FailedError } from '../domain/errors.ts';
import { freePorts } from '../local/ports.ts';
import { trackingPaths } from '../tracking/links/links.ts';
import { makeToken } from '../tracking/links/token.ts';
import {
  addContacts,
  createBenchCampaign,
  emptyDatabase,
  sendCampaign,
  startDispatchers,
  startPrimary,
} from './campaign.ts';
import type { HttpLoad, HttpLoadResult } from './http-load/load-http.ts';
import type { BenchRow, Measurement } from './measurement.ts';
import { median } from './median.ts';
import { newsletter, newsletterHtml } from './newsletters.ts';
import type { BenchProcess, BenchProgram, BenchStage } from './stage.ts';

const recipients = 10_000;
const links = 9;
/** One request in so many is a click, the others are opens. */
const clickPart = 4;
/** Of each round. */
const requests = 40_000;
/** What fewer took would be over before it says anything. */
const requestsMinimum = 20_000;
const rounds = 3;
/** Before the first round, so that both servers know the campaign and their code is compiled. */
const warmUp = 10_000;
/** As many people wait for an answer at any moment. */
const connections = 64;
const userAgent =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';

interface Delivery {
  readonly port: number;
  readonly process: Pick<BenchProcess, 'cpuMs'>;
}

interface Round {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** CPU time of a request, microseconds. */
  readonly serverUs: number;
  readonly postgresUs: number;
  /** Share of its time in which the load's process was at work. */
  readonly loadBusy: number;
}

/** What storing an open or a click costs whoever waits for the answer. */
export const contentDelivery: Measurement = {
  name: 'content-delivery',
  about: 'opens and clicks stored per second, against the same server answering without storing',
  async run(stage) {
    const paths = await sentLinks(stage);
    const storing = await startStoring(stage);
    const without = stage.startProgram('delivery-without-store.js');
    const load = stage.startProgram('http-load/main.js');
    try {
      without.send(await stage.environment());
      const { port } = await without.next<{ readonly port: number }>();
      return await measure(stage, load, paths, storing, { port, process: without });
    } finally {
      await Promise.all([load.stop(), without.stop(), storing.process.stop()]);
    }
  },
};

/** Sends a campaign. @returns the paths of its recipients' links: each opens, or clicks on one of the links */
async function sentLinks(stage: BenchStage): Promise<readonly string[]> {
  const db = await stage.database();
  await emptyDatabase(db);
  await addContacts(db, stage.size(recipients));
  await startPrimary(stage);
  const dispatchers = await startDispatchers(stage, 1, { threads: 10 });
  const campaignId = await createBenchCampaign(stage, newsletter(newsletterHtml(5_000, links)));
  stage.tell('Sending the campaign whose links are followed');
  await sendCampaign(stage, campaignId);
  await Promise.all(dispatchers.map((dispatcher) => dispatcher.stop()));
  const keys = readKeys(await stage.environment());
  const queued = await db
    .select({ position: dispatchQueue.position, contactId: dispatchQueue.contactId })
    .from(dispatchQueue)
    .where(eq(dispatchQueue.campaignId, campaignId))
    .orderBy(asc(dispatchQueue.position));
  return queued.map(({ position, contactId }) => {
    const token = makeToken({ campaignId, position, contactId }, keys);
    return position % clickPart === 0
      ? trackingPaths.click(token, position % links)
      : trackingPaths.open(token);
  });
}

/** content-delivery itself, beside the one that answers at the base URL. */
async function startStoring(stage: BenchStage): Promise<Delivery & { readonly process: BenchProcess }> {
  const [port = 0] = await freePorts(1);
  const listen = ['--listen', `127.0.0.1:${port}`];
  return {
    port,
    process: await stage.startWorker(['content-delivery', '--name', 'bench-events', ...listen]),
  };
}

async function measure(
  stage: BenchStage,
  load: BenchProgram,
  paths: readonly string[],
  storing: Delivery,
  without: Delivery,
): Promise<readonly BenchRow[]> {
  const count = Math.max(requestsMinimum, stage.size(requests));
  const ask = async (delivery: Delivery, ofThese: number) =>
    await askAll(stage, load, delivery, { connections, paths, requests: ofThese, userAgent });
  for (const delivery of [storing, without]) await ask(delivery, warmUp);
  const stored: Round[] = [];
  const notStored: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    stage.tell(`Opening and clicking, ${count.toLocaleString('en')} times, round ${round} of ${rounds}`);
    const before = await countEvents(stage);
    stored.push(await ask(storing, count));
    requireAll(count, (await countEvents(stage)) - before);
    notStored.push(await ask(without, count));
  }
  const of = (of: readonly Round[], what: keyof Round) => median(of.map((round) => round[what]));
  const against = (what: keyof Round) => ({
    what: 'the same server answering without storing',
    value: of(notStored, what),
  });
  const ratio = (what: keyof Round) => of(stored, what) / of(notStored, what);
  const us = (value: number) => `${value.toFixed(0)} µs`;
  return [
    {
      what: `opens and clicks, ${connections} connections`,
      value: of(stored, 'perSecond'),
      unit: 'stored/s',
      against: against('perSecond'),
      ratio: ratio('perSecond'),
      goal: { of: 'ratio', atLeast: 0.5 },
      note:
        `CPU of one: the server ${us(of(stored, 'serverUs'))} (without storing ${us(of(notStored, 'serverUs'))}), ` +
        `PostgreSQL ${us(of(stored, 'postgresUs'))}; the load's process was busy for ` +
        `${Math.round(100 * Math.max(...notStored.map(({ loadBusy }) => loadBusy)))} % of its time at the most`,
    },
    {
      what: '99 % are answered, and stored, within',
      value: of(stored, 'p99Ms'),
      unit: 'ms',
      against: against('p99Ms'),
      ratio: ratio('p99Ms'),
      goal: { of: 'ratio', atMost: 3, farFrom: 10 },
    },
  ];
}

async function askAll(
  stage: BenchStage,
  load: BenchProgram,
  { port, process }: Delivery,
  of: Omit<HttpLoad, 'port'>,
): Promise<Round> {
  const cpuMs = async () => ({
    server: process.cpuMs(),
    postgres: (await stage.engineCpuMs()).postgres,
    load: load.cpuMs(),
  });
  const before = await cpuMs();
  load.send({ ...of, port } satisfies HttpLoad);
  const { elapsedMs, p99Ms, statuses } = await load.next<HttpLoadResult>();
  const after = await cpuMs();
  const refused = Object.keys(statuses).filter((status) => status !== '200' && status !== '302');
  if (refused.length > 0) throw notStoredError('answers', statuses);
  const used = (what: keyof typeof after) => after[what] - before[what];
  return {
    perSecond: of.requests / (elapsedMs / 1_000),
    p99Ms,
    serverUs: (1_000 * used('server')) / of.requests,
    postgresUs: (1_000 * used('postgres')) / of.requests,
    loadBusy: used('load') / elapsedMs,
  };
}

async function countEvents(stage: BenchStage): Promise<number> {
  const db = await stage.database();
  const [row] = await db.select({ count: sql<number>`count(*)::int` }).from(eventInbox);
  return row?.count ?? 0;
}

/** Every request that was answered is a row: nothing is put together before it is processed. */
function requireAll(answered: number, stored: number): void {
  if (stored !== answered) throw notStoredError('events stored', { answered, stored });
}

function notStoredError(field: string, value: object): FailedError {
  return new FailedError('BENCH_EVENTS', 'Not every open and click of the bench was answered and stored.', {
    field,
    value: JSON.stringify(value),
    hint: 'The figures would mean nothing. Please report it.',
  });
}
