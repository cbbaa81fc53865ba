import { afterAll, describe, expect, it } from 'vitest';
import { campaign, campaignStatistic, eventInbox } from '../../src/db/schema.ts';
import { createInstallation } from '../support/installation.ts';
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
