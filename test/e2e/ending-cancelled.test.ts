import { beforeAll, describe, expect, test } from 'vitest';
import { campaignStatus as dispatchStatus } from '../../src/client/client.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { importRecipients } from '../support/newsletter.ts';
import { useSteering } from '../support/steering.ts';
import { waitFor } from '../support/wait-for.ts';

const people = 3;

describe('a campaign that is cancelled', () => {
  const fixture = useCampaignFixture();
  const steering = useSteering(fixture);
  const { query, workflow, words, draft, control, untilState } = steering;
  const exm = async (...args: string[]) => await fixture.installation.exm([...args, '--json']);

  beforeAll(async () => {
    await importRecipients(fixture.installation, people);
    await fixture.installation.startWorker('dedicated-dispatch', [
      ...['--name', 'd1', '--sleep-ms', '0', '--threads', '1'],
    ]);
  });

  test('says what its last steps fail with while they are tried again, and ends once that is mended', async () => {
    const id = await draft('customers', { pool: 'nobody' });
    await query(`
      create function refuse_clearing() returns trigger language plpgsql as $$
        begin raise exception 'cannot clear'; end $$;
      create trigger refuse_clearing before delete on dispatch_deferral for each statement
        execute function refuse_clearing();`);
    await control('start', id);
    await untilState(id, 'Sending');
    await control('cancel', id, { by: 'ann', reason: 'wrong price' });
    const trouble = /^wrong price; but the step FinalizeDispatch failed and is tried again: .*cannot clear/;
    await waitFor(async () => trouble.test((await words(id)).reason ?? ''), {
      describe: 'the reason to be shown',
    });
    expect((await exm('campaign', 'status', id)).json()).toMatchObject({
      state: 'Inactive',
      subState: 'Cancelled',
      reason: expect.stringMatching(trouble),
    });
    const client = await connectClient(fixture.installation.env);
    expect((await dispatchStatus(client, id)).reason).toMatch(trouble);
    await client.connection.close();
    const { currentDetails } = await workflow(id).query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    );
    expect(currentDetails).toContain('Reason: wrong price; but the step FinalizeDispatch failed');
    await query('drop function refuse_clearing cascade');
    expect(await workflow(id).result()).toMatchObject({ state: 'Inactive', totals: { cancelled: people } });
    expect(await words(id)).toMatchObject({ subState: 'Cancelled', reason: 'wrong price' });
    await steering.expectExplained(id);
  });

  test('after its workflow was ended from outside waits for the message that is on the wire all the same', async () => {
    const { receiver } = fixture;
    const id = await draft('customers');
    receiver.hold();
    await control('start', id);
    await waitFor(() => receiver.held === 1);
    await workflow(id).terminate('by hand');
    const cancelling = exm('campaign', 'cancel', id, '--reason', 'wrong price');
    // The run that closes the books has looked who still sends, and found the one.
    await waitFor(
      async () => (await workflow(id).query<{ step: string }>('status')).step === 'WaitForDispatchToFinish',
    );
    await waitFor(async () =>
      ((await workflow(id).fetchHistory()).events ?? []).some(
        ({ activityTaskCompletedEventAttributes: completed }) =>
          Buffer.from(completed?.result?.payloads?.[0]?.data ?? '').toString() === '[1]',
      ),
    );
    expect(await words(id)).toMatchObject({ state: 'Sending', word: 'cancel' });
    receiver.release();
    expect((await cancelling).code).toBe(0);
    expect(await workflow(id).result()).toMatchObject({
      state: 'Inactive',
      totals: { queued: people, sent: 1, cancelled: people - 1, remaining: 0 },
    });
    await steering.expectExplained(id);
    await steering.expectClosedBooks(id);
  });
});

describe('a campaign whose conditions are being checked', () => {
  const fixture = useCampaignFixture();
  const steering = useSteering(fixture);
  const { query, workflow, words, audit, draft, control } = steering;

  beforeAll(async () => {
    await importRecipients(fixture.installation, people);
    await fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '0']);
  });

  /** Does something while a start waits for its conditions. @returns how the start was answered */
  const whileChecked = async (id: string, act: () => Promise<unknown>): Promise<unknown> => {
    const lock = await fixture.installation.database.db.$client.connect();
    try {
      await lock.query('begin');
      await lock.query('lock table contact_list in access exclusive mode');
      const starting = control('start', id, { by: 'bob' }).catch((error: unknown) => error);
      await waitFor(
        async () => (await workflow(id).query<{ step: string }>('status')).step === 'CheckPreconditions',
      );
      await act();
      await lock.query('rollback');
      return await starting;
    } finally {
      lock.release();
    }
  };
  const withoutList = async (id: string) =>
    await query(
      `update campaign set definition = jsonb_set(definition, '{include}', '["gone"]') where id = $1`,
      [id],
    );

  test('is a Draft as before where they are not met, though it was paused meanwhile', async () => {
    const id = await draft('customers');
    await withoutList(id);
    const started = await whileChecked(id, async () => await control('pause', id, { by: 'ann' }));
    expect(started).toMatchObject({ code: 'PRECONDITIONS_FAILED' });
    await expect(workflow(id).result()).rejects.toThrow();
    expect(await words(id)).toEqual({ state: 'Draft', subState: 'None', word: 'go', reason: null });
    expect((await audit(id)).slice(1)).toMatchObject([
      { actor: 'ann', to: 'pause' },
      { actor: 'exm', to: 'go' },
    ]);
  });

  test('is cancelled for good where it was cancelled meanwhile, and they are not met', async () => {
    const id = await draft('customers');
    await withoutList(id);
    const started = await whileChecked(id, async () => await control('cancel', id, { by: 'ann' }));
    expect(started).toMatchObject({ code: 'PRECONDITIONS_FAILED' });
    expect(await workflow(id).result()).toMatchObject({ state: 'Inactive', totals: { queued: 0 } });
    await steering.expectExplained(id);
  });

  test('tells whoever starts it that they are met, though it was paused meanwhile, and goes on when it is resumed', async () => {
    const id = await draft('customers');
    const started = await whileChecked(id, async () => await control('pause', id, { by: 'ann' }));
    expect(started).toMatchObject({ checked: true });
    expect(await words(id)).toMatchObject({ state: 'Draft', subState: 'Paused', word: 'pause' });
    await control('resume', id);
    expect(await workflow(id).result()).toMatchObject({ state: 'Sent', totals: { sent: people } });
    await steering.expectClosedBooks(id);
  });
});
