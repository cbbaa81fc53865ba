import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

describe('dispatchers with a mail server each', () => {
  const fixture = useCampaignFixture();
  const recipients = 1_500;
  const everybody = { state: 'Sent', totals: { queued: recipients, sent: recipients, failed: 0 } };
  /** What each mail server has taken, before and after it was away. */
  const taken: SmtpReceiver[] = [];
  let first: SmtpReceiver;
  let second: SmtpReceiver;

  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);
  const query = async (text: string, values: unknown[]) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;
  const mailServer = async (port?: number): Promise<SmtpReceiver> => {
    const receiver = await startSmtpReceiver(port === undefined ? {} : { port });
    taken.push(receiver);
    return receiver;
  };
  const dispatcher = async (role: string, name: string, smtp: string, sleepMs: number) =>
    await fixture.installation.startWorker(role, [
      ...['--name', name, '--smtp', smtp, '--sleep-ms', String(sleepMs), '--threads', '2'],
    ]);
  const healthOf = async (name: string): Promise<string> =>
    (await exm('server', 'ls')).json().servers.find((server: { name: string }) => server.name === name)
      ?.health;
  /** Grows with each batch that the dispatcher takes, and is less by each that another takes after it. */
  const takenBy = async (name: string): Promise<{ batches: number; leases: number; open: number }> =>
    (
      await query(
        `select count(*)::int as batches, coalesce(sum(lease), 0)::int as leases,
                count(*) filter (where ended_at is null)::int as open
           from dispatch_batch where server = $1`,
        [name],
      )
    )[0];
  /** A message that was on the wire as its mail server went may have gone out twice. */
  const expectEverybody = (repeatedAtMost: number) => {
    const received = taken.flatMap((receiver) => receivedBy(receiver));
    expect(new Set(received).size).toBe(recipients);
    expect(received.length - recipients).toBeLessThanOrEqual(repeatedAtMost);
  };

  beforeAll(async () => {
    await importRecipients(fixture.installation, recipients);
  });
  beforeEach(async () => {
    [first, second] = [await mailServer(), await mailServer()];
  });
  afterEach(async () => {
    for (const receiver of taken.splice(0)) await receiver.close();
  });

  test('one whose mail server goes away leaves the batches to the others, and takes some again when it is back', async () => {
    // The second one sends as well as leads, and is so slow that something is left until it is told otherwise.
    const workers = await Promise.all([
      dispatcher('dedicated-dispatch', 'd1', first.url, 20),
      dispatcher('primary', 'p2', second.url, 200),
    ]);
    const id = await createCampaign(fixture.installation);
    await exm('campaign', 'start', id);
    await first.waitFor(20);
    await first.close();
    await waitFor(async () => (await healthOf('d1')) !== 'ok', { describe: 'its row to say so' });
    expect(await healthOf('d1')).toMatch(/mail server gives no connection/);
    expect(await healthOf('p2')).toBe('ok');
    await waitFor(async () => (await takenBy('d1')).open === 0, { describe: 'its batches to be given back' });
    const before = await takenBy('d1');
    await second.waitFor(second.messages.length + 60);
    const after = await takenBy('d1');
    expect(after.batches).toBeLessThanOrEqual(before.batches);
    expect(after.leases).toBeLessThanOrEqual(before.leases);
    expect((await exm('campaign', 'status', id)).json()).toMatchObject({ state: 'Sending', reason: null });
    const back = await mailServer(first.port);
    await back.waitFor(20);
    expect(await healthOf('d1')).toBe('ok');
    await exm('server', 'sleep', 'd1', '0');
    await exm('server', 'sleep', 'p2', '0');
    expect((await exm('campaign', 'watch', id)).json()).toMatchObject(everybody);
    expectEverybody(2);
    expect(await Promise.all(workers.map(async (worker) => await worker.stop()))).toEqual([0, 0]);
  });

  test('without any mail server a campaign waits, says why, and goes on by itself when one is back', async () => {
    const workers = await Promise.all([
      dispatcher('dedicated-dispatch', 'd3', first.url, 20),
      dispatcher('dedicated-dispatch', 'd4', second.url, 20),
    ]);
    const id = await createCampaign(fixture.installation);
    await exm('campaign', 'start', id);
    await Promise.all([first.waitFor(20), second.waitFor(20)]);
    await Promise.all([first.close(), second.close()]);
    const status = async () => (await exm('campaign', 'status', id)).json();
    await waitFor(async () => (await status()).reason !== null, { describe: 'the status to say why' });
    expect(await status()).toMatchObject({
      state: 'Sending',
      subState: 'Sending',
      reason: expect.stringMatching(/no dispatcher .* can send .*d3: The mail server .*d4: The mail server/),
    });
    const tested = await exm('campaign', 'test', id, '--to', 'ann@example.com');
    expect(tested.code).toBe(1);
    expect(tested.json().error).toMatchObject({ code: 'DISPATCHERS_ILL' });
    // One that waits for its mail server can be stopped, and others can be started, as ever.
    await waitFor(async () => (await takenBy('d4')).open === 0, { describe: 'its batches to be given back' });
    expect(await workers[1]?.stop()).toBe(0);
    expect(await status()).toMatchObject({ state: 'Sending', reason: expect.stringContaining('d3') });
    await mailServer(first.port);
    await exm('server', 'sleep', 'd3', '0');
    expect((await exm('campaign', 'watch', id)).json()).toMatchObject({ ...everybody, reason: null });
    expectEverybody(4);
    expect((await query('select from dispatch_deferral where campaign_id = $1', [id])).length).toBe(0);
    await workers[0]?.stop();
  });
});
