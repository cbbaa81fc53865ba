import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RefusedError } from '../../src/domain/errors.ts';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { importRecipients } from '../support/newsletter.ts';
import { type Control, useSteering } from '../support/steering.ts';
import { waitFor } from '../support/wait-for.ts';

/** The step between the last answer and MoveToSent waits while the file `waits` is there. */
const config = `
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { defineConfig } from 'exm-dispatch';

export default defineConfig({
  steps: { AllOut: async () => { while (existsSync(${JSON.stringify('FILE')})) await delay(50); } },
  pipelines: {
    dispatchNewsletter: [
      'CheckPreconditions', 'MoveToQueuing', 'DeployAnalytics', 'PublishDispatchItems', 'QueueMessage',
      'MoveToProcessing', 'LaunchDedicatedServers', 'SendMessage', 'WaitForDispatchToFinish', 'AllOut', 'MoveToSent',
      'NotifyDispatchFinished', 'FinalizeDispatch',
    ],
  },
});
`;
const few = 3;
const many = 120;

/**
 * A campaign of the original could stay in Sending for ever though all mail was out: its wait step left only after it
 * had seen a dedicated server "sending" at least once, and neither pause nor resume helped.
 */
describe('a campaign whose mail is out', () => {
  const fixture = useCampaignFixture({
    prepare: ({ dir }) =>
      writeFileSync(join(dir, 'exm.config.ts'), config.replace('FILE', join(dir, 'waits'))),
  });
  const steering = useSteering(fixture);
  const { workflow, words, draft, control, received, query, audit } = steering;
  const waits = () => join(fixture.installation.dir, 'waits');
  const dispatcher = async (name: string, pool: string, ...more: string[]) =>
    await fixture.installation.startWorker('dedicated-dispatch', [
      ...[
        '--name',
        name,
        '--pool',
        pool,
        '--threads',
        '1',
        ...(more.length > 0 ? more : ['--sleep-ms', '0']),
      ],
    ]);
  const step = async (id: string) => (await workflow(id).query<{ step: string }>('status')).step;
  const refusal = async (name: Control, id: string) =>
    await control(name, id).then(
      () => 'accepted',
      (error: unknown) => (error instanceof RefusedError ? error.message : Promise.reject(error)),
    );
  const expectSent = async (id: string, people: number) => {
    expect(await workflow(id).result()).toMatchObject({
      state: 'Sent',
      totals: { queued: people, sent: people, remaining: 0 },
    });
    await steering.expectExplained(id);
    await steering.expectClosedBooks(id);
  };

  beforeAll(async () => {
    await importRecipients(fixture.installation, few, 'few');
    await importRecipients(fixture.installation, many, 'many');
    await dispatcher('d1', 'default');
  });
  afterEach(() => {
    fixture.receiver.release();
    if (existsSync(waits())) rmSync(waits());
  });

  test('is Sent, though all of it was sent before anybody looked', async () => {
    const id = await draft('few');
    await control('start', id);
    await waitFor(() => received(id).length === few);
    await expectSent(id, few);
  });

  test('is Sent after a pause while the last answer is on its way, and a resume when nothing remains', async () => {
    const { receiver } = fixture;
    const id = await draft('few');
    receiver.hold();
    await control('start', id);
    for (let taken = 1; taken < few; taken++) {
      await waitFor(() => receiver.held === 1 && received(id).length === taken - 1);
      receiver.release();
      receiver.hold();
    }
    await waitFor(() => receiver.held === 1 && received(id).length === few - 1);
    expect(await control('pause', id)).toMatchObject({ accepted: true, silent: false });
    receiver.release();
    await waitFor(async () => (await step(id)) === 'AllOut', { describe: 'everybody to be done' });
    expect(await words(id)).toMatchObject({ state: 'Sending', subState: 'Paused' });
    expect(await control('resume', id)).toMatchObject({ accepted: true });
    await expectSent(id, few);
  });

  test('is Sent after a pause that comes after the last answer, and a resume', async () => {
    const id = await draft('few');
    writeFileSync(waits(), '');
    await control('start', id);
    await waitFor(async () => (await step(id)) === 'AllOut');
    expect(await control('pause', id)).toMatchObject({ accepted: true, silent: true });
    rmSync(waits());
    await waitFor(async () => (await step(id)) === 'MoveToSent');
    expect(await words(id)).toMatchObject({ state: 'Sending', subState: 'Paused' });
    await control('resume', id);
    await expectSent(id, few);
  });

  test('is Sent whenever the pause comes that follows the last answer at once: accepted or refused', async () => {
    const id = await draft('few');
    await control('start', id);
    await waitFor(() => received(id).length === few, { intervalMs: 1 });
    const answer = await refusal('pause', id);
    if (answer === 'accepted') await control('resume', id);
    else expect(answer).toMatch(/nothing is left to pause|not being dispatched/);
    await expectSent(id, few);
  });

  test('is Sent though its only worker dies at the last message, once one comes back', async () => {
    const { receiver } = fixture;
    const only = await dispatcher('o1', 'only', '--sleep-ms', '0');
    const id = await draft('few', { pool: 'only' });
    receiver.hold();
    await control('start', id);
    for (let taken = 1; taken < few; taken++) {
      await waitFor(() => receiver.held === 1);
      receiver.release();
      receiver.hold();
      await waitFor(async () => {
        const rows = await query('select from dispatch_outcome where campaign_id = $1', [id]);
        return rows.length === taken;
      });
    }
    await waitFor(() => receiver.held === 1);
    await only.kill();
    receiver.release();
    const next = await dispatcher('o2', 'only', '--sleep-ms', '0');
    expect(await workflow(id).result()).toMatchObject({ state: 'Sent', totals: { sent: few, remaining: 0 } });
    expect(new Set(received(id)).size).toBe(few);
    // The message that was on the wire may have gone out twice, and no other.
    expect(received(id).length).toBeLessThanOrEqual(few + 1);
    await steering.expectExplained(id);
    await next.stop();
  });

  test('has reached everybody once after eleven pauses and resumes in quick succession', async () => {
    // Slow enough that somebody is left after the last turn, however long the turns take.
    const sender = await dispatcher('q1', 'quick', '--sleep-ms', '300');
    const id = await draft('many', { pool: 'quick' });
    await control('start', id);
    await waitFor(() => received(id).length >= 5);
    // By turns one after the other, and both on their way at once, of which either may come first. The last turn is one
    // of the former: once the resume of a campaign that is paused is accepted, nothing is left on its way.
    for (let turn = 0; turn < 11; turn++) {
      if (turn % 2 === 0) {
        await refusal('pause', id);
        expect(await refusal('resume', id)).toBe('accepted');
      } else
        await Promise.all([workflow(id).signal('pause', {}), control('resume', id).catch(() => undefined)]);
    }
    expect((await audit(id)).filter(({ to }) => to === 'pause').length).toBeGreaterThanOrEqual(5);
    expect(received(id).length).toBeLessThan(many);
    await query(`update server set sleep_ms = 0 where name = 'q1'`);
    await expectSent(id, many);
    await sender.stop();
  });
});
