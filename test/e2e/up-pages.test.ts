import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startCampaignOn } from '../support/up-campaign.ts';
import { endAll, exmIn, startUp } from '../support/up-process.ts';
import { waitFor } from '../support/wait-for.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'exm-up-'));
});
afterEach(async () => {
  await endAll(dir);
  rmSync(dir, { recursive: true, force: true });
});

it('exm up takes subscriptions and what comes back, with nothing set', async () => {
  const up = await startUp(dir, ['--dispatchers', '1']);
  const { mail, tracking } = up.announced.addresses;
  const mailsTo = async (to: string) => {
    const found = (await (await fetch(`${mail}/api/messages?to=${to}`)).json()) as {
      messages: { id: number; from: string }[];
    };
    return found.messages;
  };
  await startCampaignOn(up, dir, 1);
  await exmIn(dir, ['list', 'title', 'customers', 'For customers']);

  const asked = await fetch(`${tracking}/s/customers`, {
    method: 'POST',
    body: new URLSearchParams({ email: 'new@example.net' }),
  });
  expect(asked.status).toBe(200);
  await waitFor(async () => (await mailsTo('new@example.net')).length > 0, {
    timeoutMs: 60_000,
    describe: 'the mail to confirm',
  });

  await waitFor(async () => (await mailsTo('r1@example.com')).length > 0, { timeoutMs: 60_000 });
  const [sent] = await mailsTo('r1@example.com');
  expect(sent?.from).toMatch(/^b-[\w-]+@bounces\.localhost$/);
  const answer = await fetch(`${mail}/messages/${sent?.id}/return`, {
    method: 'POST',
    body: new URLSearchParams({ as: 'no-such-user' }),
    redirect: 'manual',
  });
  expect(answer.status).toBe(303);
  const listed = async () => (await exmIn(dir, ['feedback', 'ls', '--json'])).json().feedback;
  await waitFor(async () => (await listed())[0]?.state === 'understood', {
    timeoutMs: 60_000,
    describe: 'the bounce to be understood',
  });
  expect((await exmIn(dir, ['contact', 'show', 'r1@example.com', '--json'])).json()).toMatchObject({
    bounceCount: expect.any(Number),
  });
  expect(await up.end('SIGTERM')).toBe(0);
}, 300_000);
