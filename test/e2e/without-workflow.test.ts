import type { Client, WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { changeWord } from '../../src/campaigns/change-state.ts';
import { startCampaign } from '../../src/client/client.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { createInstallation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

const recipients = 200;

describe('a campaign whose workflow was ended from outside while it was sent', () => {
  const fixture = useCampaignFixture();
  let client: Client;
  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);
  const workflow = (id: string): WorkflowHandle => client.workflow.getHandle(`campaign/${id}`);
  const query = async (text: string, values: unknown[]) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;

  beforeAll(async () => {
    client = await connectClient(fixture.installation.env);
    await importRecipients(fixture.installation, recipients);
    // So slow that most are left when the workflow is ended.
    await fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '2000']);
  });
  afterAll(async () => await client?.connection.close());
  beforeEach(() => {
    fixture.receiver.messages.length = 0;
  });

  /** A campaign that has sent a part, and whose dispatcher has heard that nobody waits for its batches. */
  async function ended(): Promise<string> {
    const id = await createCampaign(fixture.installation);
    await exm('campaign', 'start', id);
    await fixture.receiver.waitFor(10);
    await workflow(id).terminate('by hand');
    await waitFor(
      async () =>
        (await query('select from dispatch_batch where campaign_id = $1 and ended_at is null', [id]))
          .length === 0,
    );
    return id;
  }

  /** Of a cancelled campaign everybody has an outcome, and nobody got mail after `sent`. */
  async function expectCancelled(id: string, sent: number) {
    const watched = await exm('campaign', 'watch', id);
    expect(watched.json()).toMatchObject({
      state: 'Inactive',
      subState: 'Cancelled',
      reason: 'wrong price',
      totals: { queued: recipients, sent, cancelled: recipients - sent, remaining: 0 },
    });
    expect(await workflow(id).result()).toMatchObject({
      state: 'Inactive',
      totals: { cancelled: recipients - sent },
    });
    expect(fixture.receiver.messages).toHaveLength(sent);
  }

  test('is cancelled by a cancel, and nobody gets mail any more', async () => {
    const id = await ended();
    const sent = fixture.receiver.messages.length;
    expect((await exm('campaign', 'status', id)).json().reason).toContain(`"exm campaign cancel ${id}"`);
    const cancelled = await exm('campaign', 'cancel', id, '--reason', 'wrong price');
    expect(cancelled.code).toBe(0);
    expect(cancelled.json()).toMatchObject({ id, cancel: true, inForce: true });
    await expectCancelled(id, sent);
  });

  test('is not sent on by a start where it had been cancelled before: that only closes its books', async () => {
    const id = await ended();
    const sent = fixture.receiver.messages.length;
    const { db } = fixture.installation.database;
    await changeWord(db, { campaignId: id, word: 'cancel', by: 'ann', why: 'wrong price' });
    const { reason } = (await exm('campaign', 'status', id)).json();
    expect(reason).toContain(`"exm campaign cancel ${id}"`);
    expect(reason).not.toContain('exm campaign start');
    const started = await exm('campaign', 'start', id);
    expect(started.code).toBe(3);
    expect(started.json().error).toMatchObject({
      code: 'PRECONDITIONS_FAILED',
      message: expect.stringContaining('was cancelled'),
    });
    await expectCancelled(id, sent);
  });
});

describe('a campaign that is cancelled before a primary has taken it up', () => {
  test('ends as cancelled when one does, and tells so whoever waits for its start', async () => {
    const installation = await createInstallation({ smtpUrl: 'smtp://127.0.0.1:9' });
    const client = await connectClient(installation.env);
    try {
      await importRecipients(installation, 3);
      const id = await createCampaign(installation);
      const started = startCampaign(client, id, {
        queuePrefix: installation.env['EXM_QUEUE_PREFIX'],
        timeoutMs: 120_000,
      }).catch((error: unknown) => error);
      const handle = client.workflow.getHandle(`campaign/${id}`);
      await waitFor(async () => (await handle.describe()).status.name === 'RUNNING');
      await handle.signal('cancel', { by: 'ann', reason: 'wrong price' });
      await installation.startWorker('primary', ['--no-dispatch']);
      expect(await started).toMatchObject({
        code: 'PRECONDITIONS_FAILED',
        message: expect.stringContaining('was cancelled'),
      });
      expect(await handle.result()).toMatchObject({ state: 'Inactive', totals: { queued: 0 } });
    } finally {
      await client.connection.close();
      await installation.dispose();
    }
  });
});
