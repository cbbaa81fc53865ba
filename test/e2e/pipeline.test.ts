import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import PostalMime from 'postal-mime';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { campaignStatus } from '../../src/campaigns/campaign-status.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { recordHistory } from '../support/histories.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import type { SmtpAnswer } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

/** A step and a processor of the installation's own, small batches, and a run that is continued as new every three. */
const config = `
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'exm-dispatch';

const here = ${JSON.stringify('DIR')};
export default defineConfig({
  steps: {
    WarmCache: async ({ campaignId }) => appendFileSync(join(here, 'warmed'), campaignId + '\\n'),
  },
  processors: {
    AddStamp: (email) => {
      const { message } = email;
      if (message === undefined) throw new Error('FillEmail comes first');
      email.message = { ...message, raw: Buffer.concat([Buffer.from('X-Stamp: of our own\\r\\n'), message.raw]) };
    },
    NoteEnd: ({ campaignId, outcome }) =>
      appendFileSync(join(here, 'noted-' + campaignId), outcome.kind + '\\n'),
  },
  pipelines: {
    dispatchNewsletter: [
      'CheckPreconditions', 'MoveToQueuing', 'DeployAnalytics', 'PublishDispatchItems', 'QueueMessage', 'WarmCache',
      'MoveToProcessing', 'LaunchDedicatedServers', 'SendMessage', 'WaitForDispatchToFinish', 'MoveToSent',
      'NotifyDispatchFinished', 'FinalizeDispatch',
    ],
    sendEmail: ['FillEmail', 'AddStamp', 'SendEmail', 'EmailSent', 'NoteEnd', 'Sleep'],
  },
  settings: { dispatchBatchSize: 10, batchesPerRun: 3, deferralFirstDelaySeconds: 1 },
});
`;

describe('a pipeline of the installation', () => {
  let webhook: Server;
  let dedicated: WorkerProcess;
  const posted: unknown[] = [];
  let answerRcpt: (address: string) => SmtpAnswer | undefined = () => undefined;

  const fixture = useCampaignFixture({
    receiver: { onRcpt: (address) => answerRcpt(address) },
    prepare: ({ dir }) => writeFileSync(join(dir, 'exm.config.ts'), config.replace('DIR', dir)),
  });

  beforeAll(async () => {
    webhook = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        posted.push(JSON.parse(Buffer.concat(parts).toString()));
        response.end('ok');
      });
    });
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    dedicated = await fixture.installation.startWorker('dedicated-dispatch', [
      '--name',
      'd1',
      '--sleep-ms',
      '0',
      '--threads',
      '4',
    ]);
  });

  afterAll(() => webhook.close());

  beforeEach(() => {
    fixture.receiver.messages.length = 0;
  });

  test('runs its own steps, survives being continued as new, and tells the end by mail and webhook', async () => {
    const { installation, receiver } = fixture;
    const addresses = await importRecipients(installation, 200);
    const { port } = webhook.address() as AddressInfo;
    const id = await createCampaign(installation, {
      notify: { mail: 'ops@example.com', webhook: `http://127.0.0.1:${port}/sent` },
    });
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    expect(started.json()).toMatchObject({ state: 'Sent', totals: { queued: 200, sent: 200 } });
    expect(readFileSync(join(installation.dir, 'warmed'), 'utf8')).toBe(`${id}\n`);
    expect(readFileSync(join(installation.dir, `noted-${id}`), 'utf8')).toBe('sent\n'.repeat(200));
    await waitFor(() => receiver.messages.length === 201 && posted.length === 1, {
      describe: 'both notifications came',
    });
    expect(receivedBy(receiver).filter((address) => address !== 'ops@example.com')).toEqual(
      [...addresses].sort(),
    );
    const letter = receiver.messages.find(({ to }) => to[0] !== 'ops@example.com');
    const parsed = await PostalMime.parse(letter?.raw ?? '');
    expect(parsed.headers.find(({ key }) => key === 'x-stamp')?.value).toBe('of our own');
    expect(posted[0]).toMatchObject({ campaignId: id, state: 'Sent', totals: { sent: 200 } });

    const client = await connectClient(installation.env);
    const handle = client.workflow.getHandle(`campaign/${id}`);
    const { runId } = await handle.describe();
    const history = await handle.fetchHistory();
    const first = history.events?.[0]?.workflowExecutionStartedEventAttributes;
    expect(first?.firstExecutionRunId).not.toBe(runId);
    await client.connection.close();
    await recordHistory(installation, `campaign/${id}`, 'continued-as-new');
  });

  test('starts from a program that knows nothing but Temporal', async () => {
    const { installation, receiver } = fixture;
    await importRecipients(installation, 20, 'plain');
    const id = await createCampaign(installation, { include: ['plain'] });
    const connection = await Connection.connect({ address: installation.env['TEMPORAL_ADDRESS'] ?? '' });
    const result = await new Client({ connection }).workflow.execute('DispatchNewsletter', {
      workflowId: `campaign/${id}`,
      taskQueue: `${installation.env['EXM_QUEUE_PREFIX']}-primary`,
      args: [{ campaignId: id }],
    });
    await connection.close();
    expect(result).toMatchObject({ campaignId: id, state: 'Sent', totals: { sent: 20, remaining: 0 } });
    expect(receiver.messages).toHaveLength(20);
  });

  test('tries again, later, whom a mail server puts off, and books whom it refuses', async () => {
    const { installation, receiver } = fixture;
    await importRecipients(installation, 30, 'mixed');
    const putOff = new Set<string>();
    answerRcpt = (address) => {
      if (address === 'r7@example.com') return { code: 550, text: '5.1.1 no such user' };
      if (address === 'r9@example.com' && !putOff.has(address)) {
        putOff.add(address);
        return { code: 451, text: '4.7.1 greylisted' };
      }
      return undefined;
    };
    const id = await createCampaign(installation, { include: ['mixed'] });
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    answerRcpt = () => undefined;
    expect(started.json()).toMatchObject({
      state: 'Sent',
      totals: { queued: 30, sent: 29, failed: 1, remaining: 0 },
      failedByReason: { 'refused by the mail server': 1 },
    });
    expect(receivedBy(receiver)).toContain('r9@example.com');
    expect(receiver.messages).toHaveLength(29);
    await recordHistory(installation, `campaign/${id}`, 'put-off');
  });

  test('goes out by the dispatchers that have its steps; one that lacks them says so and takes none', async () => {
    const { installation, receiver } = fixture;
    const without = join(installation.dir, 'without.config.ts');
    writeFileSync(without, 'export default {};');
    const threads = ['--sleep-ms', '0', '--threads', '4'];
    const lacking = await installation.startWorker('dedicated-dispatch', ['--name', 'd2', ...threads], {
      env: { EXM_CONFIG: without },
    });
    await importRecipients(installation, 100, 'shared');
    const id = await createCampaign(installation, { include: ['shared'] });
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    expect(started.json()).toMatchObject({ state: 'Sent', servers: [{ name: 'd1', sent: 100 }] });
    expect(receiver.messages).toHaveLength(100);
    expect(lacking.log()).toContain('has no processor \\"AddStamp\\"');

    await dedicated.stop();
    // One that was there a minute ago may be restarted just now, and would be waited for.
    await installation.database.db.execute(sql`update server set seen_at = now() - interval '2 minutes'
      where name = 'd1'`);
    const held = await createCampaign(installation, { include: ['shared'] });
    await installation.exm(['campaign', 'start', held]);
    const status = async () => await campaignStatus(installation.database.db, held);
    await waitFor(async () => (await status()).subState === 'Paused', { describe: 'the campaign is held' });
    expect((await status()).reason).toContain(
      'No live dispatcher of the pool "default" can send this campaign. d2: ' +
        `This server's exm.config.ts has no processor "AddStamp".`,
    );
    const { stdout } = await installation.exm(['server', 'ls']);
    expect(stdout).toContain(`cannot send ${held}: This server's exm.config.ts has no processor "AddStamp".`);

    await installation.startWorker('dedicated-dispatch', ['--name', 'd3', ...threads]);
    await installation.exm(['campaign', 'resume', held]);
    await waitFor(async () => (await status()).state === 'Sent', { describe: 'the campaign to be sent' });
    expect(await status()).toMatchObject({ totals: { sent: 100 }, servers: [{ name: 'd3', sent: 100 }] });
  });
});
