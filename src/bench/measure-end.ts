import { setTimeout as sleep } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { pauseCampaign, resumeCampaign } from '../client/client.ts';
import { campaign } from '../db/schema.ts';
import { connectClient } from '../temporal/client-connection.ts';
import {
  addContacts,
  createBenchCampaign,
  emptyDatabase,
  sendCampaign,
  startDispatchers,
  startPrimary,
  warmUp,
} from './campaign.ts';
import { goalState } from './goal.ts';
import type { BenchRow, Measurement } from './measurement.ts';
import { median } from './median.ts';
import { newsletter, newsletterHtml } from './newsletters.ts';
import type { BenchReceiver, BenchStage } from './stage.ts';

const recipients = 50_000;
/** Fewer would all be out before a pause is in force. */
const recipientsMinimum = 20_000;
const dispatchers = 8;
const threads = 10;
const messageBytes = 2_700;
const links = 3;
/** At full size; fewer at a smaller one. */
const rounds = 3;
/** The pause is asked for when this share of the messages is out. */
const pauseShare = 0.2;
/** So long after a pause was answered it is looked which message was the last. Milliseconds. */
const quietMs = 2_000;
const goalMs = 1_000;
/** Where --check gives up: seconds pass where a machine is busy, or several times as slow. */
const farMs = 6_000;
const lookIntervalMs = 10;

interface Round {
  /** From the request to the last message that was accepted before the campaign was resumed. */
  readonly silenceMs: number;
  /** From the request until it was answered. */
  readonly answeredMs: number;
  /** From the last message that was accepted to the campaign's row, as somebody who looks at it sees it. */
  readonly sentMs: number;
}

/** How soon what a person asks for, or waits for, is so. */
export const end: Measurement = {
  name: 'end',
  about: 'milliseconds from the last accepted message to Sent, and from a pause to silence',
  async run(stage) {
    const db = await stage.database();
    await emptyDatabase(db);
    await addContacts(db, sizeOf(stage));
    await startPrimary(stage);
    const started = await startDispatchers(stage, dispatchers, { threads });
    try {
      await warmUp(stage);
      const all: Round[] = [];
      const count = Math.max(1, Math.round(stage.size(rounds * 100) / 100));
      for (let round = 1; round <= count; round++) {
        stage.tell(`Sending with ${dispatchers} dispatchers, round ${round} of ${count}`);
        all.push(await measure(stage));
      }
      // A single one may have met what else the machine did.
      while (all.length < rounds && rowsOf(all).some((row) => goalState(row) === 'far')) {
        stage.tell('Once more, for that was far from the goal');
        all.push(await measure(stage));
      }
      return rowsOf(all);
    } finally {
      await Promise.all(started.map((dispatcher) => dispatcher.stop()));
    }
  },
};

async function measure(stage: BenchStage): Promise<Round> {
  const receiver = await stage.receiver();
  const id = await createBenchCampaign(stage, newsletter(newsletterHtml(messageBytes, links)));
  await receiver.reset();
  const over = new AbortController();
  const looking = AbortSignal.any([over.signal, stage.signal]);
  const watching = async (): Promise<Round> => {
    const paused = await pauseAndResume(stage, receiver, id, looking);
    const db = await stage.database();
    const isSent = async () => {
      const [row] = await db.select({ state: campaign.state }).from(campaign).where(eq(campaign.id, id));
      return row?.state === 'Sent';
    };
    const sentAt = await lookUntil(isSent, looking);
    const { lastMs } = await receiver.stats();
    return { ...paused, sentMs: sentAt - lastMs };
  };
  try {
    const [round] = await Promise.all([watching(), sendCampaign(stage, id)]);
    return round;
  } finally {
    over.abort();
  }
}

async function pauseAndResume(
  stage: BenchStage,
  receiver: BenchReceiver,
  id: string,
  signal: AbortSignal,
): Promise<Omit<Round, 'sentMs'>> {
  const client = await connectClient(await stage.environment());
  const request = { by: 'exm bench' };
  try {
    const share = pauseShare * sizeOf(stage);
    await lookUntil(async () => (await receiver.stats()).messages >= share, signal);
    const askedAt = Date.now();
    await pauseCampaign(client, id, request);
    const answeredMs = Date.now() - askedAt;
    await sleep(quietMs, undefined, { signal });
    const { lastMs } = await receiver.stats();
    await resumeCampaign(client, id, request);
    return { answeredMs, silenceMs: Math.max(0, lastMs - askedAt) };
  } finally {
    await client.connection.close();
  }
}

/** Looks until something is so. @returns when it was seen, as Date.now() says it @throws the signal's reason */
async function lookUntil(isSo: () => Promise<boolean>, signal: AbortSignal): Promise<number> {
  while (!(await isSo())) await sleep(lookIntervalMs, undefined, { signal });
  return Date.now();
}

function sizeOf(stage: BenchStage): number {
  return Math.max(recipientsMinimum, stage.size(recipients));
}

function rowsOf(rounds: readonly Round[]): readonly BenchRow[] {
  const of = (what: keyof Round) => rounds.map((round) => round[what]);
  const row = (name: string, what: keyof Round): BenchRow => ({
    what: name,
    value: median(of(what)),
    unit: 'ms',
    goal: { of: 'value', atMost: goalMs, farFrom: farMs },
  });
  const worst = (what: keyof Round) => `the longest of ${rounds.length}: ${Math.max(...of(what))} ms`;
  return [
    { ...row('last accepted message to Sent', 'sentMs'), note: worst('sentMs') },
    {
      ...row(`pause to silence, ${dispatchers} dispatchers`, 'silenceMs'),
      note: `${worst('silenceMs')}; answered after ${Math.round(median(of('answeredMs')))} ms`,
    },
  ];
}
