import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ExmConfig } from '../../src/config/exm-config.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { type CampaignFixture, receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import type { Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import type { SmtpAnswer } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

/** Writes an `exm.config.ts` with these settings where the installation's processes look for it. */
const configured =
  (settings: NonNullable<ExmConfig['settings']>) =>
  ({ dir }: Installation) =>
    writeFileSync(join(dir, 'exm.config.ts'), `export default ${JSON.stringify({ settings })};`);

/** What the tests below ask of an installation. */
function ask(fixture: CampaignFixture) {
  let client: Client;
  beforeAll(async () => {
    client = await connectClient(fixture.installation.env);
  });
  afterAll(async () => await client?.connection.close());
  const query = async (text: string, values: unknown[] = []) =>
    (await fixture.installation.database.db.$client.query(text, values)).rows;
  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);
  const workflow = (id: string): WorkflowHandle => client.workflow.getHandle(`campaign/${id}`);
  return {
    query,
    exm,
    workflow,
    watch: async (id: string) => (await exm('campaign', 'watch', id)).json(),
    told: async (id: string): Promise<string> =>
      (await query('select word from campaign where id = $1', [id]))[0]?.word,
    batches: async (id: string): Promise<number> =>
      (await query('select count(*)::int as n from dispatch_batch where campaign_id = $1', [id]))[0]?.n,
    dispatcher: async (name: string, pool: string, sleepMs: number, threads = 1) =>
      await fixture.installation.startWorker('dedicated-dispatch', [
        ...['--name', name, '--pool', pool, '--sleep-ms', String(sleepMs), '--threads', String(threads)],
      ]),
    /** Errors in the workflow's own code, which Temporal tries again for ever. */
    failedTasks: async (id: string) =>
      ((await workflow(id).fetchHistory()).events ?? []).flatMap(
        (event) => event.workflowTaskFailedEventAttributes?.failure?.message ?? [],
      ),
    /** Waits until nothing has been received for two seconds. @returns how many messages there are then */
    silence: async (): Promise<number> =>
      await waitFor(async () => {
        const before = fixture.receiver.messages.length;
        await delay(2_000);
        return fixture.receiver.messages.length === before ? before : undefined;
      }),
  };
}

describe('a campaign whose workflow is handled from outside', () => {
  let answerRcpt: () => SmtpAnswer | undefined = () => undefined;
  const fixture = useCampaignFixture({
    receiver: { onRcpt: () => answerRcpt() },
    prepare: configured({ deferralFirstDelaySeconds: 1 }),
  });
  const { query, exm, workflow, watch, told, batches, dispatcher, failedTasks, silence } = ask(fixture);
  const recipients = 300;

  beforeAll(async () => {
    await importRecipients(fixture.installation, recipients);
  });
  beforeEach(() => {
    fixture.receiver.messages.length = 0;
  });

  const everybody = { state: 'Sent', totals: { queued: recipients, sent: recipients, remaining: 0 } };
  const expectEverybody = (repeatedAtMost: number) => {
    expect(new Set(receivedBy(fixture.receiver)).size).toBe(recipients);
    expect(fixture.receiver.messages.length - recipients).toBeLessThanOrEqual(repeatedAtMost);
  };

  test('is silent after its workflow was terminated, and a second start finishes it', async () => {
    const { installation, receiver } = fixture;
    const sender = await dispatcher('t1', 'terminated', 300, 5);
    const id = await createCampaign(installation, { pool: 'terminated' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(30);
    const watching = exm('campaign', 'watch', id);
    await workflow(id).terminate('by hand');
    const sent = await silence();
    expect(sent).toBeLessThan(recipients);
    const watched = await watching;
    expect(watched.code).toBe(1);
    const left = {
      state: 'Sending',
      finished: false,
      workflowRuns: false,
      reason: expect.stringMatching(new RegExp(`^no workflow runs .*"exm campaign start ${id}"`)),
    };
    expect(watched.json()).toMatchObject(left);
    expect((await exm('campaign', 'status', id)).json()).toMatchObject({
      ...left,
      totals: { queued: recipients, sent, remaining: recipients - sent },
    });
    await exm('server', 'sleep', 't1', '0');
    expect((await exm('campaign', 'start', id)).code).toBe(0);
    expect(await watch(id)).toMatchObject(everybody);
    expectEverybody(0);
    await sender.stop();
  });

  test('can be started again at once after its workflow was terminated: nobody is missing', async () => {
    const { installation, receiver } = fixture;
    // So slow that little is unrecorded also where a flush takes its time.
    const sender = await dispatcher('t2', 'at-once', 150, 5);
    const id = await createCampaign(installation, { pool: 'at-once' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(30);
    await workflow(id).terminate('by hand');
    expect((await exm('campaign', 'start', id)).code).toBe(0);
    expect(await watch(id)).toMatchObject(everybody);
    // One message of each slot may have been on the wire, and those of one flush unrecorded.
    expectEverybody(15);
    await sender.stop();
  });

  test('shuts out a dispatcher that hung while its batch was ended and its range given to another', async () => {
    const { installation, receiver } = fixture;
    const hung = await dispatcher('o1', 'orphan', 50);
    const id = await createCampaign(installation, { pool: 'orphan' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(10);
    hung.freeze();
    const [open] = await query(
      'select batch from dispatch_batch where campaign_id = $1 and ended_at is null',
      [id],
    );
    await workflow(`${id}/batch/${open.batch}`).terminate('by hand');
    await waitFor(async () => (await told(id)) === 'pause', { describe: 'the campaign to be held' });
    const other = await dispatcher('o2', 'orphan', 10);
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    await receiver.waitFor(60);
    hung.thaw();
    expect(await watch(id)).toMatchObject(everybody);
    await silence();
    expectEverybody(15);
    await Promise.all([hung.stop(), other.stop()]);
  });

  test('is cancelled with its books in balance by a cancellation of the workflow', async () => {
    const { installation, receiver } = fixture;
    const sender = await dispatcher('c1', 'cancelled', 100, 5);
    const id = await createCampaign(installation, { pool: 'cancelled' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(30);
    await workflow(id).cancel();
    const watched = await watch(id);
    const sent = receiver.messages.length;
    expect(watched).toMatchObject({
      state: 'Inactive',
      subState: 'Cancelled',
      totals: { queued: recipients, sent, cancelled: recipients - sent, remaining: 0 },
    });
    expect(await workflow(id).result()).toMatchObject({ state: 'Inactive' });
    expect(await failedTasks(id)).toEqual([]);
    expect(await silence()).toBe(sent);
    await sender.stop();
  });

  test('is paused as soon as the database takes the word, however long it has refused it', async () => {
    const { installation, receiver } = fixture;
    const sender = await dispatcher('w1', 'refused', 500);
    const id = await createCampaign(installation, { pool: 'refused' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(3);
    await refuseWords();
    await workflow(id).signal('pause', { by: 'operator', reason: 'wrong price' });
    // As often as an error of no known kind is tried where nobody waits for it.
    await waitFor(async () => (await query('select last_value::int as n from refusals'))[0]?.n >= 5, {
      describe: 'five refusals',
    });
    expect(await told(id)).toBe('go');
    await query('drop trigger refuse_word on campaign');
    await waitFor(async () => (await told(id)) === 'pause', { describe: 'the pause' });
    const sent = await silence();
    expect(sent).toBeLessThan(recipients);
    expect((await exm('campaign', 'status', id)).json()).toMatchObject({
      subState: 'Paused',
      reason: 'wrong price',
    });
    await exm('server', 'sleep', 'w1', '0');
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    expect(await watch(id)).toMatchObject(everybody);
    expectEverybody(0);
    await sender.stop();
  });

  test('starts no batches to and fro while the word to go on is on its way', async () => {
    const { installation, receiver } = fixture;
    const sender = await dispatcher('s1', 'spin', 100, 5);
    const id = await createCampaign(installation, { pool: 'spin' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(20);
    expect((await exm('campaign', 'pause', id)).code).toBe(0);
    await silence();
    const before = await batches(id);
    const lock = await installation.database.db.$client.connect();
    await lock.query('begin');
    await lock.query('select from campaign where id = $1 for no key update', [id]);
    const resuming = exm('campaign', 'resume', id);
    await delay(5_000);
    const started = (await batches(id)) - before;
    await lock.query('rollback');
    lock.release();
    expect(started).toBeLessThanOrEqual(7); // The window of five slots, once.
    expect((await resuming).code).toBe(0);
    await exm('server', 'sleep', 's1', '0');
    expect(await watch(id)).toMatchObject(everybody);
    expectEverybody(0);
    await sender.stop();
  });

  test('bears signals that say nothing', async () => {
    const { installation, receiver } = fixture;
    const sender = await dispatcher('n1', 'nothing', 300, 5);
    const id = await createCampaign(installation, { pool: 'nothing' });
    await exm('campaign', 'start', id);
    await receiver.waitFor(5);
    for (const args of [[], [null], [{}], [{ slots: 'many' }]]) {
      await workflow(id).signal('dispatchersChanged', ...args);
    }
    await workflow(id).signal('pause', null);
    await waitFor(async () => (await told(id)) === 'pause', { describe: 'the pause' });
    await workflow(id).signal('resume');
    await waitFor(async () => (await told(id)) === 'go', { describe: 'the resume' });
    await exm('server', 'sleep', 'n1', '0');
    expect(await watch(id)).toMatchObject(everybody);
    expect(await failedTasks(id)).toEqual([]);
    expectEverybody(0);
    await sender.stop();
  });

  test('that was refused at its start is not waited for', async () => {
    const { installation } = fixture;
    await importRecipients(installation, 1, 'short-lived');
    const id = await createCampaign(installation, { include: ['short-lived'] });
    await query(
      `update campaign set definition = jsonb_set(definition, '{include}', '["gone"]') where id = $1`,
      [id],
    );
    expect((await exm('campaign', 'start', id)).code).toBe(3);
    const watched = await exm('campaign', 'watch', id);
    expect(watched.code).toBe(3);
    expect(watched.json().error).toMatchObject({ code: 'CAMPAIGN_NOT_RUNNING' });
  });

  test('goes on by itself while the mail server puts off everybody, and is Sent when it relents', async () => {
    const { installation, receiver } = fixture;
    const few = 60;
    await importRecipients(installation, few, 'few');
    answerRcpt = () => ({ code: 451, text: '4.7.1 come back later' });
    // A round takes longer than the first delay: at its end some are due again, and nobody has got anywhere.
    const sender = await dispatcher('p1', 'put-off', 60);
    const id = await createCampaign(installation, { pool: 'put-off', include: ['few'] });
    await exm('campaign', 'start', id);
    await waitFor(
      async () =>
        (
          await query(
            'select count(*)::int as n from dispatch_deferral where campaign_id = $1 and attempts >= 3',
            [id],
          )
        )[0]?.n === few,
      { describe: 'everybody to be put off three times' },
    );
    answerRcpt = () => undefined;
    await exm('server', 'sleep', 'p1', '0');
    expect(await watch(id)).toMatchObject({
      state: 'Sent',
      totals: { queued: few, sent: few },
    });
    expect(receiver.messages).toHaveLength(few);
    expect(
      await query(`select "to" from campaign_audit where campaign_id = $1 and what = 'dispatch'`, [id]),
    ).toEqual([]);
    await sender.stop();
  });

  test.each(['resume', 'cancel'])(
    'whose ledger loses somebody each time it is closed is held, not sent without end, and a %s closes its books',
    async (control) => {
      const { installation } = fixture;
      await importRecipients(installation, 20, 'twenty');
      const sender = await dispatcher(`l-${control}`, control, 0);
      const id = await createCampaign(installation, { pool: control, include: ['twenty'] });
      await query(`
        create function lose_somebody() returns trigger language plpgsql as $$
          begin
            delete from dispatch_outcome where campaign_id = new.id and position = 7;
            return new;
          end $$;
        create trigger lose_somebody before update on campaign for each row
          when (new.sub_state = 'Finishing' and new.state = 'Sending') execute function lose_somebody();`);
      await exm('campaign', 'start', id);
      await waitFor(async () => (await told(id)) === 'pause', { describe: 'the campaign to be held' });
      await query('drop function lose_somebody cascade');
      expect((await exm('campaign', 'status', id)).json().reason).toMatch(
        /^MoveToSent: .*: 1 recipient has no outcome \(position 7\)\. .*BOOKS_OPEN/,
      );
      // Once by itself.
      const [batches] = await query(
        'select count(*)::int from dispatch_batch where campaign_id = $1 and first = 7',
        [id],
      );
      expect(batches).toEqual({ count: 1 });
      expect((await exm('campaign', control, id)).code).toBe(0);
      expect(await workflow(id).result()).toMatchObject(
        control === 'resume'
          ? { state: 'Sent', totals: { queued: 20, sent: 20, remaining: 0 } }
          : { state: 'Inactive', totals: { queued: 20, sent: 19, cancelled: 1, remaining: 0 } },
      );
      await sender.stop();
    },
  );

  /** As a database that has become a read-only replica answers. A sequence counts what a rollback takes back. */
  async function refuseWords(): Promise<void> {
    await query(`
      create sequence refusals;
      create function refuse_word() returns trigger language plpgsql as $$
        begin
          perform nextval('refusals');
          raise exception 'cannot execute UPDATE in a read-only transaction' using errcode = '25006';
        end $$;
      create trigger refuse_word before update on campaign for each row
        when (new.word is distinct from old.word) execute function refuse_word();`);
  }
});

describe('a campaign in small runs', () => {
  const fixture = useCampaignFixture({ prepare: configured({ dispatchBatchSize: 10, batchesPerRun: 1 }) });
  const { query, exm, workflow, watch, told, dispatcher } = ask(fixture);
  const recipients = 60;

  beforeAll(async () => {
    await importRecipients(fixture.installation, recipients);
  });

  test('can be cancelled while it waits for its last batches to continue as new, and nobody can send them', async () => {
    const id = await createCampaign(fixture.installation, { pool: 'nobody' });
    await exm('campaign', 'start', id);
    await waitFor(
      async () => (await workflow(id).query<{ batches: { running: number } }>('status')).batches.running > 0,
    );
    expect((await exm('campaign', 'cancel', id)).code).toBe(0);
    expect(await watch(id)).toMatchObject({
      state: 'Inactive',
      totals: { queued: recipients, cancelled: recipients, remaining: 0 },
    });
  });

  test('is held where a whole round did nothing for anybody, though each run of it sees but one batch', async () => {
    // A ledger that takes outcomes and keeps none: no round gets anybody anywhere.
    await query(`
      create function keep_nothing() returns trigger language plpgsql as $$ begin return null; end $$;
      create trigger keep_nothing before insert on dispatch_outcome for each row execute function keep_nothing();`);
    const sender = await dispatcher('k1', 'nothing-kept', 0);
    const id = await createCampaign(fixture.installation, { pool: 'nothing-kept' });
    await exm('campaign', 'start', id);
    await waitFor(async () => (await told(id)) === 'pause', { describe: 'the campaign to be held' });
    expect((await exm('campaign', 'status', id)).json()).toMatchObject({
      subState: 'Paused',
      reason: `${recipients} recipients got no outcome in a whole round`,
    });
    await query('drop trigger keep_nothing on dispatch_outcome');
    expect((await exm('campaign', 'resume', id)).code).toBe(0);
    expect(await watch(id)).toMatchObject({
      state: 'Sent',
      totals: { queued: recipients, sent: recipients },
    });
    await sender.stop();
  });

  test('can be cancelled while its test message waits for a dispatcher', async () => {
    const id = await createCampaign(fixture.installation, { pool: 'nobody', testTo: ['boss@example.com'] });
    await exm('campaign', 'start', id);
    await waitFor(
      async () => (await workflow(id).query<{ step: string }>('status')).step === 'SendTestMessage',
    );
    expect((await exm('campaign', 'cancel', id)).code).toBe(0);
    expect(await watch(id)).toMatchObject({
      state: 'Inactive',
      totals: { queued: recipients, cancelled: recipients, remaining: 0 },
    });
  });
});
