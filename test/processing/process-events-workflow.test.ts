import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { createProcessingActivities, type ProcessingDependencies } from '../../activities/process-events.ts';
import {
  campaign,
  campaignStatistic,
  emailAddressHistoryBus,
  eventInbox,
  server,
} from '../../src/db/schema.ts';
import { processingWorkflowId, taskQueues } from '../../src/domain/names.ts';
import { processorsChangedSignal } from '../../src/domain/processing.ts';
import { packagePath } from '../../src/package-path.ts';
import type { ProcessEvents, ProcessEventsInput } from '../../workflows/process-events.ts';
import { createTestDatabase } from '../support/database.ts';
import { waitFor } from '../support/wait-for.ts';

const logger = new DefaultLogger('WARN');
Runtime.install({ logger });
const database = await createTestDatabase();
const { db } = database;
const address = inject('temporalAddress');
const client = new Client({ connection: await Connection.connect({ address }) });
const connection = await NativeConnection.connect({ address });
const workflowBundle = await bundleWorkflowCode({
  workflowsPath: packagePath('workflows/process-events.ts'),
  logger,
});
const campaignId = 'autumn-7k3f';
await db.insert(campaign).values({ id: campaignId, name: 'Autumn', definition: {} });

afterAll(async () => {
  await client.connection.close();
  await connection.close();
  await database.drop();
});

/** An installation of its own: queue and workflow. */
function installation() {
  const prefix = `test-${randomBytes(6).toString('hex')}`;
  const taskQueue = taskQueues(prefix).processing;
  const workflowId = processingWorkflowId(prefix);
  return {
    taskQueue,
    workflow: client.workflow.getHandle<typeof ProcessEvents>(workflowId),
    async start(input: ProcessEventsInput = {}) {
      await client.workflow.start<typeof ProcessEvents>('ProcessEvents', {
        workflowId,
        taskQueue,
        args: [input],
      });
    },
    async startWorker(options: Omit<ProcessingDependencies, 'db'> = {}) {
      const activities = createProcessingActivities({ db, idleMs: 20, ...options });
      const worker = await Worker.create({ connection, taskQueue, workflowBundle, activities });
      const ended = worker.run();
      return {
        async stop() {
          worker.shutdown();
          await ended;
        },
      };
    },
  };
}

let position = 0;
async function insertOpens(count: number): Promise<void> {
  await db.insert(eventInbox).values(
    Array.from({ length: count }, () => {
      position++;
      return { type: 'EmailOpened', campaignId, position, contactId: position, userAgent: 'Outlook-iOS/2.0' };
    }),
  );
}

async function opens(): Promise<number> {
  const [row] = await db.select().from(campaignStatistic);
  return row?.total ?? 0;
}

/** Runs of shifts that are in progress. */
async function shiftsInProgress(handle: {
  describe(): Promise<{ raw: { pendingActivities?: unknown[] | null } }>;
}) {
  const { raw } = await handle.describe();
  return raw.pendingActivities?.length ?? 0;
}

describe('the workflow ProcessEvents', () => {
  it('processes events as they come, shift after shift, and continues as new', async () => {
    const { start, startWorker, workflow } = installation();
    const worker = await startWorker({ shiftMs: 10 });
    await start({ shiftsPerRun: 10 });
    const first = (await workflow.describe()).runId;

    const before = await opens();
    await insertOpens(500);
    await waitFor(async () => (await opens()) === before + 500);
    await waitFor(async () => (await workflow.describe()).runId !== first);
    await insertOpens(20);
    await waitFor(async () => (await opens()) === before + 520);

    await worker.stop();
    await workflow.terminate();
  });

  it('leaves events in the inbox while no worker is alive, and goes on when one comes', async () => {
    const { start, startWorker, workflow } = installation();
    await start();
    const before = await opens();
    await insertOpens(30);
    await db.insert(emailAddressHistoryBus).values({ campaignId, batch: 1, changes: [] });
    const one = await startWorker();
    await waitFor(async () => (await opens()) === before + 30);
    await waitFor(async () => (await db.$count(emailAddressHistoryBus)) === 0);
    // A planned stop in the middle of a shift.
    await one.stop();
    await insertOpens(30);
    expect(await opens()).toBe(before + 30);
    const two = await startWorker();
    await waitFor(async () => (await opens()) === before + 60);
    await two.stop();
    await workflow.terminate();
  });

  it('runs as many shifts at once as there are processing workers alive', async () => {
    const { start, startWorker, workflow } = installation();
    const worker = await startWorker({ idleMs: 50 });
    await start();
    await waitFor(async () => (await shiftsInProgress(workflow)) === 1);

    // Alive for as long as it takes until they are counted.
    const seenAt = new Date(Date.now() + 3_600_000);
    const alive = { role: 'processing', host: 'h', pid: 1, seenAt };
    await db.insert(server).values([
      { ...alive, name: 'one' },
      { ...alive, name: 'two' },
      { ...alive, name: 'three' },
      { ...alive, name: 'stopped', stoppedAt: new Date() },
      { ...alive, name: 'silent', seenAt: new Date(Date.now() - 60_000) },
      { ...alive, name: 'other', role: 'reporting' },
    ]);
    await workflow.signal(processorsChangedSignal);
    await waitFor(async () => (await shiftsInProgress(workflow)) === 3);

    await worker.stop();
    await workflow.terminate();
  });
});
