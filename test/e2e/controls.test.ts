import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RefusedError } from '../../src/domain/errors.ts';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { importRecipients } from '../support/newsletter.ts';
import { type Control, controls, useSteering } from '../support/steering.ts';
import { waitFor } from '../support/wait-for.ts';

/** Steps of the installation's own wait, or fail, for each campaign as files of these names say. */
const config = `
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { defineConfig } from 'exm-dispatch';

const here = ${JSON.stringify('DIR')};
const gate = (name) => async ({ campaignId }) => {
  while (existsSync(join(here, name + '-waits-' + campaignId))) await delay(50);
  if (existsSync(join(here, name + '-fails-' + campaignId))) throw new Error('not today');
};
export default defineConfig({
  steps: { Queued: gate('Queued'), AllOut: gate('AllOut'), Told: gate('Told') },
  pipelines: {
    dispatchNewsletter: [
      'CheckPreconditions', 'MoveToQueuing', 'DeployAnalytics', 'PublishDispatchItems', 'QueueMessage', 'Queued',
      'MoveToProcessing', 'LaunchDedicatedServers', 'SendMessage', 'WaitForDispatchToFinish', 'AllOut', 'MoveToSent',
      'Told', 'NotifyDispatchFinished', 'FinalizeDispatch',
    ],
  },
});
`;
const people = 3;

describe('start, pause, resume and cancel', () => {
  const fixture = useCampaignFixture({
    prepare: ({ dir }) => writeFileSync(join(dir, 'exm.config.ts'), config.replace('DIR', dir)),
  });
  const steering = useSteering(fixture);
  const { query, workflow, words, audit, draft, control, received, untilState } = steering;
  const file = (name: string, id: string) => join(fixture.installation.dir, `${name}-${id}`);
  const put = (name: string, id: string) => appendFileSync(file(name, id), '');
  const take = (name: string, id: string) => rmSync(file(name, id), { force: true });
  const gates = ['Queued', 'AllOut', 'Told'].flatMap((step) => [`${step}-waits`, `${step}-fails`]);
  const step = async (id: string) => (await workflow(id).query<{ step: string }>('status')).step;
  const untilStep = async (id: string, name: string) =>
    await waitFor(async () => (await step(id)) === name, { describe: `${id} to be at ${name}` });

  beforeAll(async () => {
    await importRecipients(fixture.installation, people);
    await fixture.installation.startWorker('dedicated-dispatch', ['--name', 'd1', '--sleep-ms', '0']);
  });
  afterEach(() => fixture.receiver.release());

  /** A campaign whose gates are as named, started. */
  const started = async (files: readonly string[] = [], change: { readonly pool?: string } = {}) => {
    const id = await draft('customers', change);
    for (const name of files) put(name, id);
    await control('start', id);
    return id;
  };

  /** A way to each state, and what each control is answered there: the state it leads to at the end, or a refusal. */
  type Answers = Readonly<Record<Control, 'Sent' | 'Inactive' | RegExp>>;
  const running = /CAMPAIGN_RUNNING/;
  const notRunning = /CAMPAIGN_NOT_RUNNING/;
  const ended = /PRECONDITIONS_FAILED.*state: the campaign (is Sent|was cancelled)/s;
  const cancelled = /CONTROL_REFUSED.*it was cancelled/;
  const states: readonly (readonly [string, () => Promise<string>, Answers])[] = [
    [
      'that is a Draft',
      async () => await draft('customers'),
      { start: 'Sent', pause: notRunning, resume: notRunning, cancel: notRunning },
    ],
    [
      'whose conditions were not met',
      async () => {
        const id = await draft('customers');
        await query(
          `update campaign set definition = jsonb_set(definition, '{include}', '["gone"]') where id = $1`,
          [id],
        );
        await expect(control('start', id)).rejects.toMatchObject({ code: 'PRECONDITIONS_FAILED' });
        return id;
      },
      {
        start: /PRECONDITIONS_FAILED.*there is no list "gone"/s,
        pause: notRunning,
        resume: notRunning,
        cancel: notRunning,
      },
    ],
    [
      'that is Queuing',
      async () => {
        const id = await started(['Queued-waits']);
        await untilStep(id, 'Queued');
        return id;
      },
      { start: running, pause: 'Sent', resume: /CONTROL_REFUSED.*it is not paused/, cancel: 'Inactive' },
    ],
    [
      'that is Sending',
      async () => {
        fixture.receiver.hold();
        const id = await started();
        await waitFor(() => fixture.receiver.held > 0);
        return id;
      },
      { start: running, pause: 'Sent', resume: /CONTROL_REFUSED.*it is not paused/, cancel: 'Inactive' },
    ],
    [
      'that is Sending with nobody to send it',
      async () => {
        const id = await started([], { pool: 'nobody' });
        await untilState(id, 'Sending');
        return id;
      },
      { start: running, pause: 'Sent', resume: /CONTROL_REFUSED.*it is not paused/, cancel: 'Inactive' },
    ],
    [
      'that is Paused',
      async () => {
        const id = await started(['Queued-waits']);
        // A step that is under way ends, and writes, also where it is paused.
        await untilStep(id, 'Queued');
        await control('pause', id);
        return id;
      },
      { start: running, pause: /CONTROL_REFUSED.*it is paused already/, resume: 'Sent', cancel: 'Inactive' },
    ],
    [
      'that was cancelled, with a message on the wire',
      async () => {
        fixture.receiver.hold();
        const id = await started();
        await waitFor(() => fixture.receiver.held > 0);
        await control('cancel', id);
        return id;
      },
      { start: running, pause: cancelled, resume: cancelled, cancel: cancelled },
    ],
    [
      'that is Inactive',
      async () => {
        const id = await started(['Queued-waits']);
        await control('cancel', id);
        take('Queued-waits', id);
        await workflow(id).result();
        return id;
      },
      { start: ended, pause: notRunning, resume: notRunning, cancel: notRunning },
    ],
    [
      'with all mail out, at a step before MoveToSent',
      async () => {
        const id = await started(['AllOut-waits']);
        await untilStep(id, 'AllOut');
        return id;
      },
      {
        start: running,
        pause: 'Sent',
        resume: /CONTROL_REFUSED.*it is not paused/,
        cancel: /CONTROL_REFUSED.*nothing is left to cancel: all mail is out/,
      },
    ],
    [
      'with all mail out, held by a step before MoveToSent',
      async () => {
        const id = await started(['AllOut-fails']);
        await untilState(id, 'Sending', 'Paused');
        return id;
      },
      { start: running, pause: /CONTROL_REFUSED.*it is paused already/, resume: 'Sent', cancel: 'Sent' },
    ],
    [
      'with all mail out, paused before MoveToSent',
      async () => {
        const id = await started(['AllOut-waits']);
        await untilStep(id, 'AllOut');
        await control('pause', id);
        take('AllOut-waits', id);
        await untilStep(id, 'MoveToSent');
        return id;
      },
      {
        start: running,
        pause: /CONTROL_REFUSED.*it is paused already/,
        resume: 'Sent',
        cancel: /CONTROL_REFUSED.*all mail is out, and it is Sent once it is resumed/,
      },
    ],
    [
      'that is Finishing',
      async () => {
        const id = await started(['Told-waits']);
        await untilState(id, 'Sent', 'Finishing');
        await untilStep(id, 'Told');
        return id;
      },
      {
        start: running,
        pause: /CONTROL_REFUSED.*nothing is left to pause: it is Sent/,
        resume: /CONTROL_REFUSED.*it is not paused/,
        cancel: /CONTROL_REFUSED.*nothing is left to cancel: it is Sent/,
      },
    ],
    [
      'that is Sent, held by a step after it',
      async () => {
        const id = await started(['Told-fails']);
        await untilState(id, 'Sent', 'Paused');
        return id;
      },
      { start: running, pause: /CONTROL_REFUSED.*it is paused already/, resume: 'Sent', cancel: 'Sent' },
    ],
    [
      'that is Sent',
      async () => {
        const id = await started();
        await workflow(id).result();
        return id;
      },
      { start: ended, pause: notRunning, resume: notRunning, cancel: notRunning },
    ],
  ];

  /** Lets a campaign come to its end, whatever it was told. */
  const finish = async (id: string) => {
    for (const name of gates) take(name, id);
    fixture.receiver.release();
    if ((await words(id)).word === 'pause') await control('resume', id);
    await query(`update dispatch_deferral set due_at = now() where campaign_id = $1`, [id]);
  };

  // Those that hold the mail server's answers one after the other, the others all together.
  const title = 'of a campaign %s are accepted, or refused with the reason';
  const holding = states.filter(([name]) => /that is Sending$|on the wire$/.test(name));
  test.each(holding)(title, async (_, reach, answers) => await check(reach, answers));
  test.concurrent.each(states.filter((one) => !holding.includes(one)))(
    title,
    async (_, reach, answers) => await check(reach, answers),
  );

  async function check(reach: () => Promise<string>, answers: Answers): Promise<void> {
    const refused = controls.filter((name) => answers[name] instanceof RegExp);
    const accepted = controls.filter((name) => !(answers[name] instanceof RegExp));
    let id = await reach();
    const before = { words: await words(id), audit: await audit(id) };
    for (const name of refused) {
      const answer = await control(name, id, { by: 'ann' }).catch((error: unknown) => error);
      expect(answer).toBeInstanceOf(RefusedError);
      const { code, message } = answer as RefusedError;
      expect(`${code} ${message}`).toMatch(answers[name] as RegExp);
      // The signal, to which nobody can answer, is passed over for the same reason.
      if (name !== 'start' && code === 'CONTROL_REFUSED') await workflow(id).signal(name, { by: 'ann' });
    }
    // Asked after the signals, answered after them.
    for (const name of refused.filter((one) => one !== 'start'))
      await expect(control(name, id, { by: 'ann' })).rejects.toThrow(RefusedError);
    expect({ words: await words(id), audit: await audit(id) }).toEqual(before);
    await steering.expectExplained(id).catch((error: unknown) => {
      // A campaign that never ran has no workflow to compare with.
      if (before.words.state !== 'Draft') throw error;
    });
    for (const [index, name] of accepted.entries()) {
      if (index > 0) {
        await finish(id);
        id = await reach();
      }
      const answer = await control(name, id, { by: 'bob', reason: 'because' });
      expect(answer).toBeDefined();
      await steering.expectExplained(id);
      if (name !== 'start') expect((await audit(id)).filter(({ actor }) => actor === 'bob')).toHaveLength(1);
      if (answers[name] === 'Inactive') await finish(id);
      const isNobodys = (
        await query(`select definition->>'pool' as pool from campaign where id = $1`, [id])
      )[0];
      if (isNobodys.pool === 'nobody' && answers[name] === 'Sent') {
        expect(await words(id)).toMatchObject({ subState: 'Paused' });
        await control('cancel', id);
        continue;
      }
      await finish(id);
      expect(await workflow(id).result()).toMatchObject({ state: answers[name] });
      await steering.expectExplained(id);
      await steering.expectClosedBooks(id);
      if (answers[name] === 'Sent') expect(received(id)).toHaveLength(people);
    }
  }
});
