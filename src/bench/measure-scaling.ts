import { eq } from 'drizzle-orm';
import { dispatchBatch } from '../db/schema.ts';
import {
  addContacts,
  createBenchCampaign,
  emptyDatabase,
  sendCampaign,
  startDispatchers,
  startPrimary,
  warmUp,
} from './campaign.ts';
import { coreShares, coreTimes } from './cores.ts';
import { rateBetween, watchReceiver } from './dispatch-curve.ts';
import type { BenchRow, Measurement } from './measurement.ts';
import { newsletter, newsletterHtml } from './newsletters.ts';
import type { BenchProcess, BenchStage } from './stage.ts';

const counts = [1, 2, 4, 8];
/** So that the machine is not the limit. */
const sleepMs = 50;
const threads = 10;
/** Recipients for each dispatcher: some 16 seconds of sending. */
const recipientsEach = 3_000;
const messageBytes = 2_700;
const links = 3;
/** For each dispatcher, before anything is measured. */
const warmUpEach = 600;
/** Where --check gives up, but where the cores were busy for more than so much of the time: the machine was the limit then. */
const far = { ofLinear: 0.3, busy: 0.9 };
/** What is neither the beginning nor the end of a dispatch, as shares of its messages. */
const steady = { from: 0.1, to: 0.9 };

interface Figures {
  /** Messages a second while all dispatchers are at work. */
  readonly steady: number;
  /** The same of the whole campaign, from `start` to Sent. */
  readonly whole: number;
  readonly batches: number;
  /** CPU time of Temporal for a batch, milliseconds. */
  readonly temporalMs: number;
  /** Share of the cores' time in which they were at work, and at work for the bench. */
  readonly cores: { readonly busy: number; readonly own: number };
}

/** What dispatchers add to each other. */
export const scaling: Measurement = {
  name: 'scaling',
  about: `messages per second of 1, 2, 4 and 8 dispatchers with a Sleep of ${sleepMs} ms, against linear`,
  async run(stage) {
    const primary = await startPrimary(stage);
    const dispatchers: BenchProcess[] = [];
    const rows: BenchRow[] = [];
    let one: Figures | undefined;
    try {
      for (const count of counts) {
        const running = dispatchers.length;
        dispatchers.push(...(await startDispatchers(stage, count - running, { threads, sleepMs, running })));
        const figures = await measure(stage, count, [primary, ...dispatchers]);
        one ??= figures;
        rows.push(...rowsOf(count, figures, one));
      }
    } finally {
      await Promise.all(dispatchers.map((dispatcher) => dispatcher.stop()));
    }
    return rows;
  },
};

async function measure(stage: BenchStage, count: number, workers: readonly BenchProcess[]): Promise<Figures> {
  const db = await stage.database();
  const receiver = await stage.receiver();
  await emptyDatabase(db);
  await addContacts(db, stage.size(recipientsEach) * count);
  await warmUp(stage, warmUpEach * count);
  const id = await createBenchCampaign(stage, newsletter(newsletterHtml(messageBytes, links)));
  await receiver.reset();
  stage.tell(`Sending with ${dispatchersOf(count)}`);
  const cpuMs = async () => {
    const { postgres, temporal } = await stage.engineCpuMs();
    const own = [receiver, ...workers].reduce((sum, process) => sum + process.cpuMs(), postgres + temporal);
    return { temporal, own, cores: coreTimes() };
  };
  const before = await cpuMs();
  const { done, curve } = await watchReceiver(receiver, async () => await sendCampaign(stage, id));
  const after = await cpuMs();
  const batches = await db.$count(dispatchBatch, eq(dispatchBatch.campaignId, id));
  return {
    steady: rateBetween(curve, steady.from, steady.to),
    whole: (curve.at(-1)?.messages ?? 0) / ((done.sentAt - done.startedAt) / 1_000),
    batches,
    temporalMs: (after.temporal - before.temporal) / batches,
    cores: coreShares(before.cores, after.cores, after.own - before.own),
  };
}

/** How the figure is made: while all are at work, for a longer campaign has more of that and the same beginning and end. */
function rowsOf(count: number, figures: Figures, one: Figures): readonly BenchRow[] {
  const row = (what: 'steady' | 'whole', name: string): BenchRow => ({
    what: `${dispatchersOf(count)}, ${name}`,
    value: figures[what],
    unit: 'messages/s',
    ...(count === 1
      ? {}
      : {
          against: { what: 'linear', value: count * one[what] },
          ratio: figures[what] / (count * one[what]),
        }),
  });
  const { batches, temporalMs, cores } = figures;
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  return [
    {
      ...row('steady', `${100 * steady.from} to ${100 * steady.to} % of it`),
      ...(count === Math.max(...counts)
        ? {
            goal: {
              of: 'ratio',
              atLeast: 0.95,
              farFrom: figures.cores.busy > far.busy ? 0 : far.ofLinear,
            } as const,
          }
        : {}),
      note:
        `${batches} batches, each ${temporalMs.toFixed(0)} ms of Temporal's CPU; the cores were busy for ${percent(cores.busy)}` +
        ` of the time, for the bench for ${percent(cores.own)}`,
    },
    row('whole', 'start to Sent'),
  ];
}

function dispatchersOf(count: number): string {
  return count === 1 ? '1 dispatcher' : `${count} dispatchers`;
}
