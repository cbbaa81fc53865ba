import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startCampaign } from '../../src/client/client.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { recordHistory } from '../support/histories.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

/** TellCrm, of the installation's own, runs when the campaign is Sent. It throws while the file `broken` is there. */
const config = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { defineConfig } from 'exm-dispatch';

const here = ${JSON.stringify('DIR')};
export default defineConfig({
  steps: {
    TellCrm: async ({ campaignId }) => {
      while (existsSync(join(here, 'slow'))) await delay(50);
      if (existsSync(join(here, 'broken'))) throw new Error('the CRM knows no such campaign');
      appendFileSync(join(here, 'told'), campaignId + '\\n');
    },
    TellShop: async ({ campaignId }) => appendFileSync(join(here, 'shop'), campaignId + '\\n'),
  },
  pipelines: {
    dispatchNewsletter: [
      'CheckPreconditions', 'MoveToQueuing', 'DeployAnalytics', 'PublishDispatchItems', 'QueueMessage',
      'MoveToProcessing', 'LaunchDedicatedServers', 'SendMessage', 'WaitForDispatchToFinish', 'MoveToSent',
      'TellCrm', 'TellShop', 'NotifyDispatchFinished', 'FinalizeDispatch',
    ],
  },
});
`;
const failure = 'all mail is out, but the step TellCrm failed: the CRM knows no such campaign (Error)';
const books = { queued: 20, sent: 20, failed: 0, skipped: 0, cancelled: 0, inDoubt: 0, remaining: 0 };

describe('a campaign that is Sent, with steps of the installation still to do', () => {
  const fixture = useCampaignFixture({
    prepare: ({ dir }) => writeFileSync(join(dir, 'exm.config.ts'), config.replace('DIR', dir)),
  });
  let client: Client;
  const file = (name: string) => join(fixture.installation.dir, name);
  const lines = (name: string) => (existsSync(file(name)) ? readFileSync(file(name), 'utf8') : '');
  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);
  const status = async (id: string) => (await exm('campaign', 'status', id)).json();
  const workflow = (id: string): WorkflowHandle => client.workflow.getHandle(`campaign/${id}`);
  const details = async (id: string): Promise<string> =>
    (await workflow(id).query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
  const query = async (text: string, values: unknown[] = []) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;
  const told = async (id: string) =>
    (await query('select state, sub_state as "subState", word from campaign where id = $1', [id]))[0];
  const audit = async (id: string) =>
    await query(
      `select what, "from", "to", why from campaign_audit where campaign_id = $1 and what <> 'state' order by id`,
      [id],
    );
  /** A campaign whose mail is out, and whose step TellCrm has failed. @returns its id, and how its start with --watch ended */
  const held = async () => {
    appendFileSync(file('broken'), '');
    const id = await createCampaign(fixture.installation);
    const started = await exm('campaign', 'start', id, '--watch');
    return { id, started };
  };

  beforeAll(async () => {
    client = await connectClient(fixture.installation.env);
    await importRecipients(fixture.installation, 20);
    await fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '0']);
  });
  afterAll(async () => await client?.connection.close());
  beforeEach(() => {
    for (const name of ['broken', 'slow', 'told', 'shop']) rmSync(file(name), { force: true });
    fixture.receiver.messages.length = 0;
  });

  test('is held where one of them fails: start --watch, watch, status and the Web UI say which, and that all mail is out', async () => {
    const { id, started } = await held();
    expect(started.code).toBe(1);
    const expected = { state: 'Sent', subState: 'Paused', finished: false, reason: failure, totals: books };
    expect(started.json()).toMatchObject(expected);
    const watched = await exm('campaign', 'watch', id);
    expect(watched.code).toBe(1);
    expect(watched.json()).toMatchObject(expected);
    expect(await status(id)).toMatchObject({ ...expected, workflowRuns: true });

    const { stdout, code } = await fixture.installation.exm(['campaign', 'status', id]);
    expect(code).toBe(0);
    expect(stdout).toContain(`Autumn (${id}) is Sent (Paused)\nReason: ${failure}\n`);
    expect(stdout).toContain(`exm campaign resume ${id}`);
    expect(stdout).toContain(`exm campaign cancel ${id}`);
    const shown = await details(id);
    expect(shown).toContain(`**Autumn** is Sent (Paused), step TellCrm`);
    expect(shown).toContain(`Reason: ${failure}`);
    expect(shown).toContain(`exm campaign resume ${id}`);
    expect((await workflow(id).describe()).searchAttributes['ExmState']).toEqual(['Paused']);
    expect((await exm('campaign', 'pause', id)).code).toBe(3);
    expect(fixture.receiver.messages).toHaveLength(20);
  });

  test('runs the step again when it is resumed, and ends once that succeeds', async () => {
    const { id } = await held();
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    // Nothing was mended: it is held again.
    expect((await exm('campaign', 'watch', id)).json()).toMatchObject({
      subState: 'Paused',
      reason: failure,
    });
    rmSync(file('broken'));
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    const watched = await exm('campaign', 'watch', id);
    expect(watched.code).toBe(0);
    expect(watched.json()).toMatchObject({ state: 'Sent', subState: 'None', finished: true, reason: null });
    expect(lines('told')).toBe(`${id}\n`);
    expect(lines('shop')).toBe(`${id}\n`);
    expect(await workflow(id).result()).toMatchObject({ state: 'Sent', totals: books });
    expect((await audit(id)).map(({ from, to }) => [from, to])).toEqual([
      ['go', 'pause'],
      ['pause', 'go'],
      ['go', 'pause'],
      ['pause', 'go'],
    ]);
    expect(await details(id)).not.toContain('Initialization');
    await recordHistory(fixture.installation, `campaign/${id}`, 'resumed-after-sent');
  });

  test('stays Sent, with its books as they are, when the steps that are left are given up by a cancel', async () => {
    const { id } = await held();
    await query(
      `insert into dispatch_deferral (campaign_id, position, attempts, first_at, due_at, reply) values ($1, 1, 1, now(), now(), '')`,
      [id],
    );
    const cancelled = await exm('campaign', 'cancel', id, '--reason', 'told by hand');
    expect(cancelled.code).toBe(0);
    expect(cancelled.json()).toMatchObject({ id, cancel: true, inForce: true, stepsGivenUp: true });
    expect(await workflow(id).result()).toMatchObject({ state: 'Sent', totals: books });
    expect(await told(id)).toEqual({ state: 'Sent', subState: 'None', word: 'go' });
    expect(await query('select from dispatch_deferral where campaign_id = $1', [id])).toEqual([]);
    expect(lines('told')).toBe('');
    expect(lines('shop')).toBe('');
    expect(await status(id)).toMatchObject({
      state: 'Sent',
      subState: 'None',
      finished: true,
      reason: 'the step TellCrm failed and was given up: the CRM knows no such campaign (Error)',
      totals: books,
    });
    expect(await audit(id)).toEqual([
      { what: 'dispatch', from: 'go', to: 'pause', why: failure },
      { what: 'steps', from: 'TellCrm', to: 'given up', why: 'told by hand' },
    ]);
    expect((await exm('campaign', 'watch', id)).code).toBe(0);
    expect((await exm('campaign', 'cancel', id)).code).toBe(3);
    expect((await exm('campaign', 'resume', id)).code).toBe(3);
    await recordHistory(fixture.installation, `campaign/${id}`, 'given-up-after-sent');
  });

  test('is watched until they are done, and can be neither paused nor cancelled while they run', async () => {
    appendFileSync(file('slow'), '');
    const id = await createCampaign(fixture.installation);
    const watching = exm('campaign', 'start', id, '--watch');
    await waitFor(async () => (await status(id)).state === 'Sent', { describe: 'the campaign to be Sent' });
    expect(await status(id)).toMatchObject({
      state: 'Sent',
      subState: 'Finishing',
      finished: false,
      reason: null,
    });
    for (const control of ['pause', 'cancel', 'resume']) {
      const refused = await exm('campaign', control, id);
      expect(refused.code).toBe(3);
      expect(refused.json().error.code).toBe('CONTROL_REFUSED');
    }
    rmSync(file('slow'));
    const watched = await watching;
    expect(watched.code).toBe(0);
    expect(watched.json()).toMatchObject({ state: 'Sent', subState: 'None', finished: true });
    expect(lines('shop')).toBe(`${id}\n`);
  });

  test('is held, too, where FinalizeDispatch fails for good, and ends when that is given up', async () => {
    await query(`
      create function refuse_clearing() returns trigger language plpgsql as $$
        begin raise exception 'cannot clear'; end $$;
      create trigger refuse_clearing before delete on dispatch_deferral for each statement
        execute function refuse_clearing();`);
    const id = await createCampaign(fixture.installation);
    const started = await exm('campaign', 'start', id, '--watch');
    expect(started.code).toBe(1);
    expect(started.json()).toMatchObject({
      state: 'Sent',
      subState: 'Paused',
      reason: expect.stringMatching(/^all mail is out, but the step FinalizeDispatch failed: .*cannot clear/),
    });
    expect(lines('told')).toBe(`${id}\n`);
    expect((await exm('campaign', 'cancel', id)).code).toBe(0);
    expect(await workflow(id).result()).toMatchObject({ state: 'Sent', totals: books });
    expect(await told(id)).toEqual({ state: 'Sent', subState: 'None', word: 'go' });
    await query('drop trigger refuse_clearing on dispatch_deferral');
  });

  test('says so where its workflow was ended from outside, and is laid to rest by a cancel', async () => {
    const { id } = await held();
    await workflow(id).terminate('by hand');
    expect(await status(id)).toMatchObject({ state: 'Sent', finished: false, workflowRuns: false });
    const watched = await exm('campaign', 'watch', id);
    expect(watched.code).toBe(1);
    expect(watched.json().reason).toMatch(/^no workflow runs .*TellCrm failed/s);
    // Started again by a program, which is refused: what it was held for stays to be seen.
    const { EXM_QUEUE_PREFIX: queuePrefix } = fixture.installation.env;
    await expect(startCampaign(client, id, { queuePrefix })).rejects.toMatchObject({
      code: 'PRECONDITIONS_FAILED',
    });
    expect(await status(id)).toMatchObject({ subState: 'Paused', reason: watched.json().reason });
    const cancelled = await exm('campaign', 'cancel', id, '--reason', 'told by hand');
    expect(cancelled.code).toBe(0);
    expect(cancelled.json()).toMatchObject({ id, cancel: true, inForce: true, stepsGivenUp: true });
    expect(await told(id)).toEqual({ state: 'Sent', subState: 'None', word: 'go' });
    expect((await exm('campaign', 'watch', id)).code).toBe(0);
  });
});
