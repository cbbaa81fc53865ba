import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { campaignStatus as statusOfCampaign } from '../../src/campaigns/campaign-status.ts';
import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import {
  campaignStatus,
  cancelCampaign,
  chooseWinner,
  moveDecision,
  pauseCampaign,
  resumeCampaign,
  startCampaign,
} from '../../src/client/client.ts';
import type { BodyDefinition, TestDefinition, WinnerRule } from '../../src/message/content.ts';
import { auditedTotals } from '../../src/reporting/totals.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { definition } from '../message/fixtures.ts';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { recordHistory } from '../support/histories.ts';
import { importRecipients } from '../support/newsletter.ts';
import type { ReceivedMessage, SmtpAnswer } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const people = 40;
const person =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36';
const offer = 'https://shop.example.com/offer';
const html = `<html><body><p><a href="${offer}">our offer</a></p></body></html>`;
const body = (subject: string): BodyDefinition => ({
  subject,
  template: { format: 'html', file: 'mail.html', source: html },
});

describe('a campaign with an A/B test', () => {
  let answer: (address: string) => SmtpAnswer | undefined = () => undefined;
  const fixture = useCampaignFixture({
    receiver: { onRcpt: (address) => answer(address) },
    prepare: ({ dir }) =>
      writeFileSync(
        join(dir, 'exm.config.ts'),
        // Each campaign is continued as new when its test is out: that makes two batches.
        `import { defineConfig } from 'exm-dispatch';
export default defineConfig({ settings: { deferralFirstDelaySeconds: 1, batchesPerRun: 2 } });\n`,
      ),
  });
  let client: Client;
  beforeAll(async () => {
    client = await connectClient(fixture.installation.env);
    await importRecipients(fixture.installation, people);
    await fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '0']);
  });
  afterEach(() => fixture.receiver.release());
  afterAll(async () => await client?.connection.close());

  const query = async (text: string, values: unknown[]) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;

  /** Started: a test of A and B by 10 people each, unless it is said otherwise. */
  async function started(
    winner: WinnerRule,
    change: Partial<TestDefinition> & { readonly testTo?: readonly string[] } = {},
  ) {
    const { testTo = [], ...test } = change;
    const subject = `subject-${randomBytes(6).toString('hex')}`;
    const { id } = await createCampaign(
      fixture.installation.database.db,
      definition({
        subject: `${subject}-A`,
        html,
        testTo,
        goals: [{ name: 'order', url: offer, value: 10 }],
        test: { share: 50, variants: [{ bodies: { en: body(`${subject}-B`) } }], winner, ...test },
      }),
    );
    const { EXM_QUEUE_PREFIX: queuePrefix } = fixture.installation.env;
    await startCampaign(client, id, { queuePrefix, timeoutMs: 60_000 });
    const received = (variant: string) =>
      fixture.receiver.messages.filter(({ raw }) =>
        raw.subarray(0, 4_000).toString('latin1').includes(`\r\nSubject: ${subject}-${variant}\r\n`),
      );
    const counts = () => [received('A').length, received('B').length];
    return {
      id,
      received,
      counts,
      /** The test is out, and nobody else has got anything. */
      async untilOut() {
        await waitFor(async () => (await campaignStatus(client, id)).reason?.includes('waits for'), {
          describe: `${id} to wait for its winner`,
        });
        expect(counts()).toEqual([10, 10]);
      },
      async result() {
        const result = await client.workflow.getHandle(`campaign/${id}`).result();
        expect(await auditedTotals(fixture.installation.database.db, id)).toMatchObject({
          queued: people,
          remaining: 0,
        });
        return result;
      },
      winners: async () =>
        await query(
          `select actor, "to", why from campaign_audit where campaign_id = $1 and what = 'winner'`,
          [id],
        ),
    };
  }

  /** The run that a run was continued as. */
  async function nextRunOf(workflowId: string, runId: string): Promise<string | undefined> {
    const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    return events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
  }

  /** What a mail program does when the message is opened, or a link in it clicked. */
  async function visit(message: ReceivedMessage | undefined, path: RegExp, userAgent = person) {
    const text = message?.raw.toString('latin1').replace(/=\r\n/g, '').replaceAll('=3D', '=') ?? '';
    const [url] = path.exec(text) ?? [];
    const { status } = await fetch(url ?? '', { redirect: 'manual', headers: { 'user-agent': userAgent } });
    expect(status).toBeLessThan(400);
  }
  const open = /http:\/\/[\w.:-]+\/o\/[\w-]+\.gif/;
  const click = /http:\/\/[\w.:-]+\/c\/[\w-]+\/\d+/;

  test('gives everybody behind the test the variant whose recipients opened most, in time', async () => {
    const campaign = await started({ by: 'open-rate', afterMs: 3_600_000 });
    await campaign.untilOut();
    for (const message of campaign.received('A').slice(0, 2)) await visit(message, open);
    for (const message of campaign.received('B').slice(0, 3)) await visit(message, open);
    for (const message of campaign.received('A').slice(2, 9)) await visit(message, open, 'curl/8.5.0');
    const moved = await fixture.installation.exm(['campaign', 'winner', campaign.id, '--in', '0s', '--json']);
    expect(moved.json()).toMatchObject({ id: campaign.id, inForce: true });
    await campaign.result();
    expect(campaign.counts()).toEqual([10, 30]);
    expect(await campaign.winners()).toEqual([
      { actor: 'exm', to: 'B', why: 'open rate: A 20.0 % (2 of 10), B 30.0 % (3 of 10)' },
    ]);
    const workflowId = `campaign/${campaign.id}`;
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const runs = [];
    for (let runId = raw.workflowExecutionInfo?.firstRunId; runId; ) {
      runs.push(runId);
      runId = await nextRunOf(workflowId, runId);
    }
    expect(runs.length).toBeGreaterThan(1);
    for (const [index, runId] of runs.entries())
      await recordHistory(fixture.installation, workflowId, `ab-test-${index + 1}`, runId);
  });

  test('gives them A where nobody did anything, when the time of the file is over', async () => {
    const campaign = await started({ by: 'click-rate', afterMs: 1_000 });
    await campaign.result();
    expect(campaign.counts()).toEqual([30, 10]);
    expect(await campaign.winners()).toMatchObject([
      { to: 'A', why: expect.stringContaining('nothing to choose by') },
    ]);
  });

  test('sends the winner that a person chooses while the test is still going out', async () => {
    fixture.receiver.hold();
    const campaign = await started({ by: 'click-rate', afterMs: 3_600_000 });
    await waitFor(() => fixture.receiver.held > 0);
    const asked = { variant: 'b', by: 'ann', reason: 'the price in A is wrong' };
    expect(await chooseWinner(client, campaign.id, asked)).toEqual({ accepted: true, winner: 'B' });
    await expect(chooseWinner(client, campaign.id, { variant: 'A' })).rejects.toMatchObject({
      code: 'CONTROL_REFUSED',
      message: 'Refused: the winner was chosen already: variant B.',
    });
    fixture.receiver.release();
    await campaign.result();
    expect(campaign.counts()).toEqual([10, 30]);
    expect(await campaign.winners()).toEqual([{ actor: 'ann', to: 'B', why: 'the price in A is wrong' }]);
  });

  test('waits without an end for a person who is to choose, and says what to type', async () => {
    const campaign = await started({ by: 'hand' });
    await campaign.untilOut();
    const { reason, state, subState, test: stands } = await campaignStatus(client, campaign.id);
    expect({ state, subState }).toEqual({ state: 'Sending', subState: 'Sending' });
    expect(reason).toContain(`"exm campaign winner ${campaign.id} B"`);
    expect(stands).toEqual({ variants: ['A', 'B'], held: 20 });
    const refused = (message: string) => ({ code: 'CONTROL_REFUSED', message: `Refused: ${message}.` });
    await expect(chooseWinner(client, campaign.id, { variant: 'C' })).rejects.toMatchObject(
      refused('there is no variant "C", but A to B'),
    );
    await expect(moveDecision(client, campaign.id, { inMs: 5_000 })).rejects.toMatchObject(
      refused('a person chooses the winner of its A/B test, so there is no time to be moved'),
    );
    const { exm } = fixture.installation;
    const status = await exm(['campaign', 'status', campaign.id]);
    expect(status.stdout).toContain(`Reason: ${reason}`);
    expect(status.stdout).toMatch(/A\/B test: 50 % of the recipients \(20\); a person chooses the winner\./);
    const [behind] = await query(
      `select email from dispatch_queue q join contact c on c.id = q.contact_id where campaign_id = $1 and position = 40`,
      [campaign.id],
    );
    const why = await exm(['why', campaign.id, behind?.email, '--json']);
    expect(why.json().text).toContain('It gets the variant that wins the A/B test, which a person chooses');
    const chosen = await exm([
      'campaign',
      'winner',
      campaign.id,
      'b',
      '--reason',
      'the board says so',
      '--json',
    ]);
    expect(chosen.json()).toEqual({ id: campaign.id, winner: 'B', inForce: true });
    await campaign.result();
    expect(campaign.counts()).toEqual([10, 30]);
    expect(await campaign.winners()).toMatchObject([
      { to: 'B', why: expect.stringContaining('the board says so; open rate') },
    ]);
    const late = await exm(['campaign', 'winner', campaign.id, 'A', '--json']);
    expect(late.json().error).toMatchObject({
      code: 'WINNER_REFUSED',
      message: 'The campaign is Sent; variant B was the winner.',
    });
  });

  test('chooses nothing by the clock while it is paused, and at once when it goes on', async () => {
    const campaign = await started({ by: 'click-rate', afterMs: 3_600_000 });
    await campaign.untilOut();
    await visit(campaign.received('B')[0], click);
    await pauseCampaign(client, campaign.id, { reason: 'a second look' });
    await expect(moveDecision(client, campaign.id, { at: '2020-01-01T00:00:00Z' })).rejects.toMatchObject({
      message: 'Refused: that time has passed.',
    });
    const { dueAt } = (await moveDecision(client, campaign.id, { inMs: 200 })) ?? {};
    await waitFor(async () => {
      const [row] = await query(
        'select now() > winner_due_at + interval $$1 second$$ as late from campaign where id = $1',
        [campaign.id],
      );
      return row?.late === true;
    });
    expect(await campaign.winners()).toEqual([]);
    expect((await campaignStatus(client, campaign.id)).test?.dueAt).toBe(dueAt);
    await resumeCampaign(client, campaign.id);
    await campaign.result();
    expect(campaign.counts()).toEqual([10, 30]);
    expect(await campaign.winners()).toMatchObject([
      { why: 'click rate: A 0.0 % (0 of 10), B 10.0 % (1 of 10)' },
    ]);
  });

  test('takes the choice of a person while it is paused, and sends the winner when it goes on', async () => {
    const campaign = await started({ by: 'value-per-visit', afterMs: 3_600_000 });
    await campaign.untilOut();
    await pauseCampaign(client, campaign.id);
    // By a signal, as any Temporal tool can send one; what is none is ignored.
    const workflow = client.workflow.getHandle(`campaign/${campaign.id}`);
    await workflow.signal('chooseWinner', 'nonsense');
    await workflow.signal('chooseWinner', { variant: 'B', by: 'bob' });
    await waitFor(async () => (await campaignStatus(client, campaign.id)).test?.winner === 'B');
    expect((await campaignStatus(client, campaign.id)).test?.held).toBe(0);
    expect(campaign.counts()).toEqual([10, 10]);
    await resumeCampaign(client, campaign.id);
    await campaign.result();
    expect(campaign.counts()).toEqual([10, 30]);
  });

  test('ends at once when it is cancelled, with those who waited for the winner entered as cancelled', async () => {
    const campaign = await started({ by: 'hand' });
    await campaign.untilOut();
    await cancelCampaign(client, campaign.id);
    expect(await campaign.result()).toMatchObject({ state: 'Inactive', totals: { sent: 20, cancelled: 20 } });
    expect(await campaign.winners()).toEqual([]);
    const status = await statusOfCampaign(fixture.installation.database.db, campaign.id);
    expect(status.test).toMatchObject({ isOver: true, winner: null, dueAt: null, remainder: { sent: 0 } });
    await expect(chooseWinner(client, campaign.id, { variant: 'B' })).rejects.toMatchObject({
      code: 'CAMPAIGN_NOT_RUNNING',
    });
  });

  test('goes on to wait when its workflow was ended from outside and it is started again', async () => {
    const campaign = await started({ by: 'open-rate', afterMs: 3_600_000 });
    await campaign.untilOut();
    const before = await campaignStatus(client, campaign.id);
    await client.workflow.getHandle(`campaign/${campaign.id}`).terminate('a test');
    const { EXM_QUEUE_PREFIX: queuePrefix } = fixture.installation.env;
    await startCampaign(client, campaign.id, { queuePrefix, timeoutMs: 60_000 });
    await campaign.untilOut();
    // The clock goes on and does not begin anew.
    expect((await campaignStatus(client, campaign.id)).reason).toBe(before.reason);
    await visit(campaign.received('B')[0], open);
    await moveDecision(client, campaign.id, { inMs: 1 });
    await campaign.result();
    expect(campaign.counts()).toEqual([10, 30]);
  });

  test('sends to those of the test whom a mail server had put off in their own variant, while it waits', async () => {
    let putOff: string | undefined;
    answer = (address) => {
      putOff ??= address;
      return putOff === address ? { code: 451, text: 'later' } : undefined;
    };
    const campaign = await started({ by: 'hand' });
    await waitFor(async () => (await campaignStatus(client, campaign.id)).reason?.includes('waits for'));
    expect(campaign.counts().reduce((a, b) => a + b)).toBe(19);
    answer = () => undefined;
    await waitFor(() => campaign.counts().reduce((a, b) => a + b) === 20);
    expect(campaign.counts()).toEqual([10, 10]);
    await chooseWinner(client, campaign.id, { variant: 'B' });
    await campaign.result();
    expect(campaign.counts()).toEqual([10, 30]);
  });

  test('sends the test of a single variant that is named by its letter', async () => {
    const campaign = await started({ by: 'hand' });
    await campaign.untilOut();
    const to = ['campaign', 'test', campaign.id, '--to', 'me@example.com', '--json'];
    const sent = await fixture.installation.exm([...to, '--variant', 'b']);
    expect(sent.json().results).toMatchObject([{ variant: 1, ok: true }]);
    await cancelCampaign(client, campaign.id);
  });

  test('needs no winner where the test goes to everybody', async () => {
    fixture.receiver.hold();
    const campaign = await started({ by: 'hand' }, { share: 100, testTo: ['you@example.com'] });
    await waitFor(() => fixture.receiver.held > 0);
    await expect(chooseWinner(client, campaign.id, { variant: 'B' })).rejects.toMatchObject({
      message: 'Refused: its A/B test goes to all recipients, so nobody is left to get the winner.',
    });
    fixture.receiver.release();
    expect(await campaign.result()).toMatchObject({ state: 'Sent', totals: { sent: people } });
    expect(campaign.counts()).toEqual([20, 20]);
    // Before them the file's own test, of each variant.
    expect(fixture.receiver.messages.filter(({ to }) => to[0] === 'you@example.com')).toHaveLength(2);
  });
});
