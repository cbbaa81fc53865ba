import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pauseCampaign, startCampaign } from '../../src/client/client.ts';
import { campaign, campaignAudit, server } from '../../src/db/schema.ts';
import { campaignWorkflowId } from '../../src/domain/names.ts';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { createOtherProgram, type OtherProgram } from '../support/other-program.ts';
import { waitFor } from '../support/wait-for.ts';

/** Starts and steers a campaign, and shows what it is told when it does so at the wrong time. */
const program = `
import { createRequire } from 'node:module';
import { realpathSync } from 'node:fs';
import { Client, Connection } from '@temporalio/client';
import {
  campaignResult, campaignStatus, cancelCampaign, pauseCampaign, RefusedError, resumeCampaign, startCampaign,
} from 'exm-dispatch/client';

const [id] = process.argv.slice(2);
const env = process.env;
const own = createRequire(import.meta.url).resolve('@temporalio/client');
const theirs = createRequire(realpathSync('node_modules/exm-dispatch') + '/').resolve('@temporalio/client');
const connection = await Connection.connect({ address: env.TEMPORAL_ADDRESS });
const client = new Client({ connection });
const options = { queuePrefix: env.EXM_QUEUE_PREFIX };
const failure = (promise) => promise.then(() => 'none', (error) => [error.code, error instanceof RefusedError]);

const shown = { copies: own !== theirs };
shown.unknown = await failure(startCampaign(client, 'no-such-one', options));
shown.notRunning = await failure(pauseCampaign(client, id));
shown.started = await startCampaign(client, id, options);
shown.second = await failure(startCampaign(client, id, options));
shown.paused = await pauseCampaign(client, id, { by: 'ann', reason: 'a look' });
shown.pausedAgain = await failure(pauseCampaign(client, id));
shown.status = await campaignStatus(client, id);
shown.resumed = await resumeCampaign(client, id, { by: 'ann' });
shown.result = await campaignResult(client, id);
shown.late = await failure(cancelCampaign(client, id));
shown.again = await failure(startCampaign(client, id, options));
await connection.close();
console.log(JSON.stringify(shown));
`;

describe('a program', () => {
  const fixture = useCampaignFixture();
  let other: OtherProgram;
  let client: Client;

  beforeAll(async () => {
    const { installation } = fixture;
    other = createOtherProgram();
    client = new Client({
      connection: await Connection.connect({ address: installation.env['TEMPORAL_ADDRESS'] ?? '' }),
    });
    // So slow that a campaign is still being sent when a program that was just held up pauses it.
    await installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '2000']);
    await importRecipients(installation, 400);
  });
  afterAll(async () => {
    other?.remove();
    await client?.connection.close();
  });

  test("starts and steers a campaign with its own copy of Temporal's client", async () => {
    const { installation } = fixture;
    const id = await createCampaign(installation);
    const { db } = installation.database;
    const pauses = and(eq(campaignAudit.campaignId, id), eq(campaignAudit.to, 'pause'));
    const [shown] = await Promise.all([
      other.run(program, [id], installation.env),
      waitFor(async () => (await db.$count(campaignAudit, pauses)) > 0, {
        describe: 'the campaign to be paused',
      }).then(async () => await db.update(server).set({ sleepMs: 0 })),
    ]);
    expect(shown).toEqual({
      copies: true,
      unknown: ['CAMPAIGN_UNKNOWN', false],
      notRunning: ['CAMPAIGN_NOT_RUNNING', true],
      started: { workflowId: `campaign/${id}`, checked: true, warnings: [] },
      second: ['CAMPAIGN_RUNNING', true],
      paused: { accepted: true, silent: true },
      pausedAgain: ['CONTROL_REFUSED', true],
      status: expect.objectContaining({ campaignId: id, subState: 'Paused', reason: 'a look' }),
      resumed: { accepted: true, silent: expect.any(Boolean) },
      result: expect.objectContaining({
        state: 'Sent',
        totals: expect.objectContaining({ queued: 400, sent: 400 }),
      }),
      late: ['CAMPAIGN_NOT_RUNNING', true],
      again: ['PRECONDITIONS_FAILED', true],
    });
  });

  test('is told where nobody listens on the task queues that it names', async () => {
    const id = await createCampaign(fixture.installation);
    const started = await startCampaign(client, id, { queuePrefix: 'elsewhere', timeoutMs: 2_000 });
    await client.workflow.getHandle(campaignWorkflowId(id)).terminate();
    expect(started).toMatchObject({ checked: false, warnings: [{ condition: 'primary' }] });
    expect(started.warnings[0]?.message).toContain('"elsewhere-primary" within 2 s');
    expect(started.warnings[0]?.message).toContain('EXM_QUEUE_PREFIX');
  });

  test('is told of the start of a campaign that had ended before anything could be asked of it', async () => {
    const { installation } = fixture;
    await importRecipients(installation, 2, 'few');
    const id = await createCampaign(installation, { include: ['few'] });
    const slow = new Client({
      connection: client.connection,
      interceptors: {
        workflow: [
          {
            startUpdate: async (input, next) => {
              await client.workflow.getHandle(campaignWorkflowId(id)).result();
              return await next(input);
            },
          },
        ],
      },
    });
    expect(await startCampaign(slow, id, { queuePrefix: installation.env['EXM_QUEUE_PREFIX'] })).toEqual({
      workflowId: `campaign/${id}`,
      checked: true,
      warnings: [],
    });
  });

  test.each([
    [
      'under another workflow id',
      'my-own-id',
      (id: string) => [{ campaignId: id }],
      'as the workflow "campaign/',
    ],
    ['without an input', 'without-input', () => [{}], 'There is no campaign'],
  ])('cannot start a campaign %s', async (_how, workflowId, args, message) => {
    const { installation } = fixture;
    const id = await createCampaign(installation);
    const result = client.workflow.execute('DispatchNewsletter', {
      workflowId,
      taskQueue: `${installation.env['EXM_QUEUE_PREFIX']}-primary`,
      args: args(id),
    });
    await expect(result).rejects.toMatchObject({
      cause: { cause: { message: expect.stringContaining(message) } },
    });
    const status = await installation.exm(['campaign', 'status', id, '--json']);
    expect(status.json()).toMatchObject({ state: 'Draft', totals: { queued: 0 } });
  });

  test('is told that a pause failed where the campaign ended before it was in force', async () => {
    const { installation } = fixture;
    const id = await createCampaign(installation);
    await startCampaign(client, id, { queuePrefix: installation.env['EXM_QUEUE_PREFIX'] });
    const handle = client.workflow.getHandle(campaignWorkflowId(id));
    const paused = await installation.database.db.transaction(async (tx) => {
      // As long as somebody holds the row, dispatchers cannot be told.
      await tx.select().from(campaign).where(eq(campaign.id, id)).for('update');
      const pausing = pauseCampaign(client, id).catch((error: unknown) => error);
      await waitFor(async () => await hasAcceptedPause(handle));
      await handle.terminate();
      return await pausing;
    });
    expect(paused).toMatchObject({ code: 'CONTROL_FAILED', value: id });
  });
});

async function hasAcceptedPause(handle: WorkflowHandle): Promise<boolean> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).some(
    ({ workflowExecutionUpdateAcceptedEventAttributes: accepted }) =>
      accepted?.acceptedRequest?.input?.name === 'pause',
  );
}
