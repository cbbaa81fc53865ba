import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { receivedBy } from '../support/campaign-fixture.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

const people = 60;

describe('a campaign that waits for the winner of its A/B test', () => {
  let receiver: SmtpReceiver;
  let installation: Installation;
  beforeAll(async () => {
    receiver = await startSmtpReceiver();
    installation = await createInstallation({ smtpUrl: receiver.url });
    await importRecipients(installation, people);
    const { host } = new URL(installation.env['EXM_BASE_URL'] ?? '');
    await installation.startWorker('content-delivery', ['--listen', host]);
  });
  afterAll(async () => {
    await installation?.dispose();
    await receiver?.close();
  });

  const workers = async (): Promise<WorkerProcess[]> =>
    await Promise.all([
      installation.startWorker('primary', ['--no-dispatch']),
      installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '0']),
    ]);
  const kill = async (all: readonly WorkerProcess[]) =>
    await Promise.all(all.map(async (one) => await one.kill()));
  const column = async (id: string, what: string) =>
    (
      await installation.database.db.$client.query(`select ${what} as value from campaign where id = $1`, [
        id,
      ])
    ).rows[0]?.value;

  test.each([
    ['is over while nobody is there', 5],
    ['is not over yet when they are back', 25],
  ])('gets it by the clock though every worker was killed, where its time %s', async (_when, seconds) => {
    receiver.messages.length = 0;
    const before = await workers();
    const id = await createCampaign(installation, {
      test: {
        share: '20%',
        variants: [{ subject: 'Another subject' }],
        winner: { by: 'open-rate', after: `${seconds}s` },
      },
    });
    const started = await installation.exm(['campaign', 'start', id, '--json']);
    expect(started.code, started.stderr).toBe(0);
    await waitFor(async () => (await column(id, 'test_out_at')) !== null);
    await kill(before);
    expect(receiver.messages).toHaveLength(12);
    // What is known of the only one who opened it: B has won.
    await installation.database.db.$client.query(
      `insert into event_inbox (type, campaign_id, position, contact_id, user_agent)
       select 'EmailOpened', $1, position, contact_id, 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36'
         from dispatch_queue where campaign_id = $1 and variant = 1 limit 1`,
      [id],
    );
    if (seconds < 10)
      await waitFor(async () => await column(id, `now() > winner_due_at + interval '2 seconds'`));
    const after = await workers();
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json(), watched.stderr).toMatchObject({
      state: 'Sent',
      totals: { queued: people, sent: people },
      test: { winner: { variant: 'B', by: 'exm' }, remainder: { recipients: 48, sent: 48 } },
    });
    expect(receivedBy(receiver)).toHaveLength(people);
    expect(new Set(receivedBy(receiver)).size).toBe(people);
    const ofB = receiver.messages.filter(({ raw }) => raw.includes('\r\nSubject: Another subject\r\n'));
    expect(ofB).toHaveLength(6 + 48);
    expect(await column(id, `winner_at >= test_out_at + interval '${seconds} seconds'`)).toBe(true);
    await kill(after);
  });

  test('gets the one that a person chose while nobody was there, though its time was over before they were back', async () => {
    const before = await workers();
    const winner = { by: 'open-rate', after: '8s' };
    const test = { share: '20%', variants: [{ subject: 'Another subject' }], winner };
    const id = await createCampaign(installation, { test });
    const started = await installation.exm(['campaign', 'start', id, '--json']);
    expect(started.code, started.stderr).toBe(0);
    await waitFor(async () => (await column(id, 'test_out_at')) !== null);
    await kill(before);
    // Nobody has opened anything: the clock would choose A.
    const client = await connectClient(installation.env);
    await client.workflow.getHandle(`campaign/${id}`).signal('chooseWinner', { variant: 'B', by: 'ann' });
    await client.connection.close();
    expect(await column(id, 'now() < winner_due_at')).toBe(true);
    await waitFor(async () => await column(id, `now() > winner_due_at + interval '1 second'`));
    const after = await workers();
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json(), watched.stderr).toMatchObject({
      state: 'Sent',
      test: { winner: { variant: 'B', by: 'ann' }, remainder: { recipients: 48, sent: 48 } },
    });
    await kill(after);
  });

  test('asks for the decision no more often where the database has its clock behind', async () => {
    receiver.messages.length = 0;
    const database = new URL(installation.database.url).pathname.slice(1);
    for (const statement of [
      'create schema behind',
      `create function behind.now() returns timestamptz language sql stable
         as $$ select pg_catalog.now() - interval '20 seconds' $$`,
      `alter database ${database} set search_path = behind, pg_catalog, public`,
    ])
      await installation.database.db.$client.query(statement);
    const all = await workers();
    const winner = { by: 'open-rate', after: '8s' };
    const test = { share: '20%', variants: [{ subject: 'Another subject' }], winner };
    const id = await createCampaign(installation, { test });
    const started = await installation.exm(['campaign', 'start', id, '--json']);
    expect(started.code, started.stderr).toBe(0);
    const watched = await installation.exm(['campaign', 'watch', id, '--json']);
    expect(watched.json(), watched.stderr).toMatchObject({ state: 'Sent', totals: { sent: people } });
    expect(await column(id, `winner_at >= test_out_at + interval '8 seconds'`)).toBe(true);
    const client = await connectClient(installation.env);
    const { events } = await client.workflow.getHandle(`campaign/${id}`).fetchHistory();
    await client.connection.close();
    const asked = events?.filter(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'decideWinner',
    );
    expect(asked?.length).toBeGreaterThan(1);
    expect(asked?.length).toBeLessThanOrEqual(3);
    await kill(all);
  });
});
