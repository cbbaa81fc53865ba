import { afterAll, describe, expect, it } from 'vitest';
import { campaign, campaignStatistic, eventInbox, subscriptionRequest } from '../../src/db/schema.ts';
import { confirmationWorkflowId } from '../../src/domain/subscription.ts';
import { recordHistory } from '../support/histories.ts';
import { createInstallation } from '../support/installation.ts';
import { startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const installation = await createInstallation();
const { db } = installation.database;
afterAll(() => installation.dispose());

const campaignId = 'autumn-7k3f';
await db.insert(campaign).values({ id: campaignId, name: 'Autumn', definition: {} });

let position = 0;
async function insertOpens(count: number): Promise<void> {
  const rows = Array.from({ length: count }, () => {
    position++;
    return { type: 'EmailOpened', campaignId, position, contactId: position, userAgent: 'Outlook-iOS/2.0' };
  });
  await db.insert(eventInbox).values(rows);
}

async function opens() {
  const [row] = await db.select().from(campaignStatistic);
  return { total: row?.total ?? 0, unique: row?.unique ?? 0 };
}

describe('the processing role', () => {
  it('counts every event once while workers come, are killed, and stop', async () => {
    const one = await installation.startWorker('processing', ['--name', 'one']);
    await insertOpens(2_000);
    await waitFor(async () => (await opens()).total >= 2_000);

    const two = await installation.startWorker('processing', ['--name', 'two']);
    await insertOpens(5_000);
    await one.kill();
    await insertOpens(5_000);
    await waitFor(async () => (await db.$count(eventInbox)) === 0);
    expect(await opens()).toEqual({ total: 12_000, unique: 12_000 });

    // A planned stop hands its shift to the next worker at once.
    await insertOpens(3_000);
    expect(await two.stop()).toBe(0);
    const three = await installation.startWorker('processing', ['--name', 'three']);
    await waitFor(async () => (await db.$count(eventInbox)) === 0);
    expect(await opens()).toEqual({ total: 15_000, unique: 15_000 });
    expect(await three.stop()).toBe(0);
  });
});

describe('a subscription, through all the roles it passes', () => {
  it('is asked for by the form, confirmed by the mail, and makes a member', async () => {
    const receiver = await startSmtpReceiver();
    const env = { EXM_SENDER: 'News <news@example.com>' };
    await installation.exm(['list', 'create', 'autumn']);
    await installation.exm(['list', 'title', 'autumn', 'Autumn news']);
    const [pages, processing, dispatcher] = await Promise.all([
      installation.startWorker('content-delivery', ['--listen', '127.0.0.1:0'], { env }),
      installation.startWorker('processing', ['--name', 'four']),
      installation.startWorker('dedicated-dispatch', ['--smtp', receiver.url], { env }),
    ]);
    const post = async (path: string, fields: Record<string, string>) =>
      await fetch(pages.address + path, { method: 'POST', body: new URLSearchParams(fields) });
    expect((await post('/s/autumn', { email: 'ada@example.org' })).status).toBe(200);
    const [message] = await receiver.waitFor(1);
    const link = /\/confirm\/[\w.-]+/.exec(message?.raw.toString().replaceAll('=\r\n', '') ?? '')?.[0] ?? '';
    const confirmed = await post(link, { confirm: 'yes' });
    expect([confirmed.status, await confirmed.text()]).toEqual([
      200,
      expect.stringContaining('You are subscribed'),
    ]);
    const [request] = await db.select().from(subscriptionRequest);
    await recordHistory(installation, confirmationWorkflowId(request?.id ?? ''), 'send-confirmation');
    const shown = await installation.exm(['list', 'show', 'autumn', '--json']);
    expect(shown.json()).toMatchObject({ members: 1, reachable: 1 });
    expect(await Promise.all([pages, processing, dispatcher].map((worker) => worker.stop()))).toEqual([
      0, 0, 0,
    ]);
    await receiver.close();
  });
});

describe('the reporting role', () => {
  it('serves the reports of what was processed', async () => {
    const worker = await installation.startWorker('reporting', ['--listen', '127.0.0.1:0']);
    const page = await fetch(`${worker.address}/campaigns/${campaignId}`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('15,000');
    expect((await fetch(`${worker.address}/healthz`)).status).toBe(200);
    expect(await worker.stop()).toBe(0);
  });

  it('says which address it cannot have', async () => {
    const worker = await installation.startWorker('reporting', ['--listen', '127.0.0.1:0']);
    const address = new URL(worker.address).host;
    const { code, stderr } = await installation.exm([
      'worker',
      'reporting',
      '--name',
      'second',
      '--listen',
      address,
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('LISTEN_FAILED');
    expect(stderr).toContain(address);
    await worker.stop();
  });
});
