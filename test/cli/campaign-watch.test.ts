import type { Client } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pauseCampaign, startCampaign } from '../../src/client/client.ts';
import { campaignWorkflowId } from '../../src/domain/names.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

describe('a campaign that is a Draft', () => {
  let installation: Installation;
  let client: Client;
  beforeAll(async () => {
    installation = await createInstallation({ smtpUrl: 'smtp://127.0.0.1:9' });
    client = await connectClient(installation.env);
    await importRecipients(installation, 3);
  });
  afterAll(async () => {
    await client?.connection.close();
    await installation?.dispose();
  });

  const watch = async (id: string) => await installation.exm(['campaign', 'watch', id, '--json']);
  const start = async (id: string) =>
    await startCampaign(client, id, {
      queuePrefix: installation.env['EXM_QUEUE_PREFIX'],
      // Long enough for Temporal to confirm the start, for it takes as long where no primary answers.
      timeoutMs: 5_000,
    });

  test('is not watched where it has never been started', async () => {
    const watched = await watch(await createCampaign(installation));
    expect(watched.code).toBe(3);
    expect(watched.json().error.code).toBe('CAMPAIGN_NOT_RUNNING');
  });

  test('is watched until its dispatch ends, where no primary has taken it up yet', async () => {
    const id = await createCampaign(installation);
    expect(await start(id)).toMatchObject({ checked: false });
    const watching = watch(id);
    const handle = client.workflow.getHandle(campaignWorkflowId(id));
    await waitFor(async () => (await handle.describe()).status.name === 'RUNNING');
    // It has seen that the dispatch runs, and looks at the books.
    await waitFor(async () => {
      const { rows } = await installation.database.db.execute(sql`
        select from pg_stat_activity where datname = current_database()
           and application_name = 'exm campaign watch' and query like '%dispatch_batch%'`);
      return rows.length > 0;
    });
    const first = await Promise.race([
      watching,
      new Promise((resolve) => setTimeout(resolve, 5_000, 'watching')),
    ]);
    expect(first).toBe('watching');
    await handle.terminate('by hand');
    const watched = await watching;
    expect(watched.code).toBe(1);
    expect(watched.json().error.code).toBe('DISPATCH_ENDED');
    await expect(pauseCampaign(client, id)).rejects.toMatchObject({ code: 'CAMPAIGN_NOT_RUNNING' });
  });

  describe('with a primary', () => {
    beforeAll(async () => void (await installation.startWorker('primary', ['--no-dispatch'])));

    test('is not watched after its start was refused', async () => {
      const id = await createCampaign(installation);
      const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
      expect(started.json().error.code).toBe('PRECONDITIONS_FAILED');
      const watched = await watch(id);
      expect(watched.code).toBe(3);
      expect(watched.json().error.code).toBe('CAMPAIGN_NOT_RUNNING');
    });

    test('that does not exist is refused with that reason, by the run just started', async () => {
      const unknown = startCampaign(client, `nothing-${Date.now()}`, {
        queuePrefix: installation.env['EXM_QUEUE_PREFIX'],
      });
      await expect(unknown).rejects.toMatchObject({ code: 'CAMPAIGN_UNKNOWN' });
    });
  });
});
