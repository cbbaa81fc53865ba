import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { sql } from 'drizzle-orm';
import { connectClient } from '../temporal/client-connection.ts';
import {
  addContacts,
  createBenchCampaign,
  emptyDatabase,
  sendCampaign,
  startDispatchers,
  startPrimary,
} from './campaign.ts';
import type { HistoryFigures } from './history-figures.ts';
import { newsletter, newsletterHtml } from './newsletters.ts';
import { readHistories } from './read-histories.ts';
import type { BenchProcess, BenchStage } from './stage.ts';

/** Recipients at full size. */
const sizes = [10_000, 100_000, 1_000_000] as const;
const messageBytes = 2_700;
const links = 3;
const threads = 10;

export interface ProcessMemory {
  readonly now: number;
  readonly peak: number;
}

/** One campaign, sent by processes that were started for it, and what it left. Bytes. */
export interface VolumeRun {
  readonly recipients: number;
  readonly primary: ProcessMemory;
  readonly processing: ProcessMemory;
  readonly dispatchers: readonly ProcessMemory[];
  readonly histories: HistoryFigures;
}

const runs = new WeakMap<BenchStage, Promise<readonly VolumeRun[]>>();

/** Campaigns of growing size, sent once for all measurements that look at them. */
export async function volumeRuns(stage: BenchStage): Promise<readonly VolumeRun[]> {
  const running = runs.get(stage) ?? sendAll(stage);
  runs.set(stage, running);
  return await running;
}

async function sendAll(stage: BenchStage): Promise<readonly VolumeRun[]> {
  // For content-delivery, which a campaign needs.
  await startPrimary(stage);
  const done: VolumeRun[] = [];
  for (const size of sizes) done.push(await send(await withOwnQueues(stage), stage.size(size)));
  return done;
}

/** The stage as it is for processes that are to have all work for themselves: under names of queues that nobody else has. */
async function withOwnQueues(stage: BenchStage): Promise<BenchStage> {
  const own = { EXM_QUEUE_PREFIX: `volume-${randomBytes(3).toString('hex')}` };
  const env = { ...(await stage.environment()), ...own };
  return {
    ...stage,
    environment: async () => env,
    startWorker: async (args, more) => await stage.startWorker(args, { ...more, ...own }),
  };
}

async function send(stage: BenchStage, recipients: number): Promise<VolumeRun> {
  const db = await stage.database();
  await emptyDatabase(db);
  await addContacts(db, recipients);
  await (await stage.receiver()).reset();
  stage.tell(`Sending ${recipients} messages`);
  const started: BenchProcess[] = [];
  const start = async (processes: Promise<readonly BenchProcess[]>) => {
    const all = await processes;
    started.push(...all);
    return all;
  };
  try {
    const [[primary], [processing], dispatchers] = await Promise.all([
      start(stage.startWorker(['primary', '--no-dispatch', '--name', 'bench-primary']).then((one) => [one])),
      start(stage.startWorker(['processing', '--name', 'bench-processing']).then((one) => [one])),
      start(startDispatchers(stage, Math.max(2, availableParallelism()), { threads })),
    ]);
    const id = await createBenchCampaign(stage, newsletter(newsletterHtml(messageBytes, links)));
    await sendCampaign(stage, id);
    const memory = {
      primary: memoryOf(primary),
      processing: memoryOf(processing),
      dispatchers: dispatchers.map(memoryOf),
    };
    return { recipients, ...memory, histories: await historiesOf(stage, id) };
  } finally {
    await Promise.all(started.map((one) => one.stop()));
  }
}

const memoryOf = (process: BenchProcess | undefined): ProcessMemory =>
  process?.memory() ?? { now: 0, peak: 0 };

async function historiesOf(stage: BenchStage, id: string): Promise<HistoryFigures> {
  const db = await stage.database();
  const { rows } = await db.execute<{ batches: number }>(
    sql`select count(*)::int as batches from dispatch_batch where campaign_id = ${id}`,
  );
  const client = await connectClient(await stage.environment());
  try {
    return await readHistories(client, id, rows[0]?.batches ?? 0, stage.signal);
  } finally {
    await client.connection.close();
  }
}
