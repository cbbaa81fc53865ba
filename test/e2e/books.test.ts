import { appendFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

/** Before the books are closed, a step of the installation's own waits while the file `hold` is there. */
const config = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { defineConfig } from 'exm-dispatch';

const here = ${JSON.stringify('DIR')};
export default defineConfig({
  steps: {
    Review: async () => {
      appendFileSync(join(here, 'reached'), '');
      while (existsSync(join(here, 'hold'))) await delay(20);
    },
  },
  pipelines: {
    dispatchNewsletter: [
      'CheckPreconditions', 'MoveToQueuing', 'DeployAnalytics', 'PublishDispatchItems', 'QueueMessage',
      'MoveToProcessing', 'LaunchDedicatedServers', 'SendMessage', 'WaitForDispatchToFinish', 'Review',
      'MoveToSent', 'NotifyDispatchFinished', 'FinalizeDispatch',
    ],
  },
});
`;

describe('a campaign whose queue or ledger is changed from outside before its books are closed', () => {
  const fixture = useCampaignFixture({
    prepare: ({ dir }) => writeFileSync(join(dir, 'exm.config.ts'), config.replace('DIR', dir)),
  });
  const file = (name: string) => join(fixture.installation.dir, name);
  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);
  const status = async (id: string) => (await exm('campaign', 'status', id)).json();
  const query = async (text: string, values: unknown[] = []) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;
  const audit = async (id: string) =>
    await query(
      `select what, "from", "to", why from campaign_audit where campaign_id = $1 and what <> 'state' order by id`,
      [id],
    );
  /** A campaign all of whose mail is out, after these statements ($1: its id), when its books are about to be closed. */
  const changed = async (...statements: string[]): Promise<string> => {
    appendFileSync(file('hold'), '');
    const id = await createCampaign(fixture.installation);
    await exm('campaign', 'start', id);
    await waitFor(() => existsSync(file('reached')), { describe: 'the books to be about to be closed' });
    for (const statement of statements) await query(statement, statement.includes('$1') ? [id] : []);
    rmSync(file('hold'));
    return id;
  };
  const reaches = async (id: string, subState: string) =>
    await waitFor(
      async () =>
        (await query('select from campaign where id = $1 and sub_state = $2', [id, subState])).length > 0,
      { describe: `the campaign to be ${subState}` },
    );
  /** @returns its status once it is held */
  const held = async (id: string) => {
    await reaches(id, 'Paused');
    return await status(id);
  };

  beforeAll(async () => {
    await importRecipients(fixture.installation, 20);
    await fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '0']);
  });
  beforeEach(() => {
    for (const name of ['hold', 'reached']) rmSync(file(name), { force: true });
    fixture.receiver.messages.length = 0;
  });

  test('dispatches by itself whoever has lost their outcome, says so, and is Sent', async () => {
    const id = await changed('delete from dispatch_outcome where campaign_id = $1 and position in (5, 7, 9)');
    await reaches(id, 'None');
    expect(await status(id)).toMatchObject({
      state: 'Sent',
      reason: null,
      totals: { queued: 20, sent: 20, remaining: 0 },
    });
    const received = receivedBy(fixture.receiver);
    expect(received).toHaveLength(23);
    expect(new Set(received).size).toBe(20);
    expect(await audit(id)).toEqual([
      {
        what: 'books',
        from: 'closing',
        to: 'reopened',
        why: '3 recipients have no outcome (positions 5, 7 and 9)',
      },
    ]);
  });

  test('is held where a row of the queue is missing, says which, and is Sent once it is there again', async () => {
    const id = await changed(
      'create table kept as select * from dispatch_queue where position = 4',
      'delete from dispatch_queue where campaign_id = $1 and position = 4',
    );
    expect((await held(id)).reason).toBe(
      'MoveToSent: The books do not balance: 1 outcome is of a position that is not queued (position 4); ' +
        '1 row of the queue is missing (position 4). The queue or the ledger was changed from outside: see ' +
        `"exm campaign audit ${id}". (BOOKS_OPEN)`,
    );
    expect(fixture.receiver.messages).toHaveLength(20);
    const open = await fixture.installation.exm(['campaign', 'audit', id]);
    expect(open.code).toBe(0);
    expect(open.stdout).toContain(
      'The books do NOT balance:\n  - 1 outcome is of a position that is not queued',
    );
    await query('insert into dispatch_queue select * from kept where campaign_id = $1', [id]);
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    await reaches(id, 'None');
    expect(await status(id)).toMatchObject({ state: 'Sent', reason: null, totals: { queued: 20, sent: 20 } });
    expect(fixture.receiver.messages).toHaveLength(20);
  });

  test('ends with the difference for its reason when it is cancelled', async () => {
    const id = await changed('update campaign set queued = 21 where id = $1');
    await held(id);
    expect((await exm('campaign', 'cancel', id, '--reason', 'found out why')).code).toBe(0);
    await waitFor(
      async () => (await query(`select from campaign where id = $1 and state = 'Inactive'`, [id])).length > 0,
      { describe: 'the campaign to end' },
    );
    expect(await status(id)).toMatchObject({
      state: 'Inactive',
      subState: 'Cancelled',
      reason: 'found out why; the books do not balance: 1 row of the queue is missing (position 21)',
    });
    expect((await exm('campaign', 'audit', id)).code).toBe(1);
  });
});
