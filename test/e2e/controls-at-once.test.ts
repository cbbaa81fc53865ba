import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { RefusedError } from '../../src/domain/errors.ts';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import fc from '../support/fast-check.ts';
import { importRecipients } from '../support/newsletter.ts';
import { testSeed } from '../support/seed.ts';
import { type Control, useSteering } from '../support/steering.ts';
import { waitFor } from '../support/wait-for.ts';

/** More than are sent to while controls are fired, however long the last of them take: a campaign that has ended answers none. */
const people = 2_000;

interface Fired {
  /** Stands in the audit trail as the reason of what was accepted. */
  readonly reason: string;
  /** Undefined of a signal, to which nobody answers. */
  readonly accepted: boolean | undefined;
}

describe(`controls of several clients at once (seed ${testSeed})`, () => {
  const fixture = useCampaignFixture();
  const steering = useSteering(fixture);
  const { query, workflow, words, audit, draft, control, received } = steering;

  beforeAll(async () => {
    await importRecipients(fixture.installation, people);
    const sender = async (name: string) =>
      await fixture.installation.startWorker('dedicated-dispatch', [
        ...['--name', name, '--sleep-ms', '100', '--threads', '2'],
      ]);
    await Promise.all([sender('d1'), sender('d2')]);
  });

  /** A program, with the functions of src/client/client.ts or with plain signals, or a person with the command `exm`. */
  const ways = {
    program: async (name: Control, id: string, reason: string): Promise<boolean | undefined> =>
      await control(name, id, { by: 'program', reason }).then(
        // Where no primary answers in time it is left as a signal.
        (answer) => (answer === undefined ? undefined : true),
        (error: unknown) => {
          if (!(error instanceof RefusedError)) throw error;
          return false;
        },
      ),
    signal: async (name: Control, id: string, reason: string): Promise<boolean | undefined> => {
      if (name === 'start') return undefined;
      await workflow(id)
        .signal(name, { by: 'signal', reason })
        .catch((error: Error) => {
          if (error.name !== 'WorkflowNotFoundError') throw error;
        });
      return undefined;
    },
    exm: async (name: Control, id: string, reason: string): Promise<boolean | undefined> => {
      const { code, stderr } = await fixture.installation.exm([
        ...['campaign', name, id, ...(name === 'start' ? [] : ['--reason', reason])],
      ]);
      if (code !== 0)
        expect(`${code} ${stderr}`).toMatch(/^3 .*(Refused|not being dispatched|already|has ended)/s);
      return code === 0;
    },
  };

  /** Fires controls for some seconds, each client one after the other, all clients at once. */
  async function fire(id: string, names: readonly Control[], about: number): Promise<Fired[]> {
    const clients = (['program', 'program', 'program', 'signal', 'signal', 'exm'] as const).map(
      (way, number) => ({
        way,
        orders: fc.sample(
          fc.record({ name: fc.constantFrom(...names), pauseMs: fc.integer({ min: 0, max: 150 }) }),
          { seed: testSeed + about + number, numRuns: 200 },
        ),
      }),
    );
    const until = Date.now() + 4_000;
    const fired: Fired[] = [];
    await Promise.all(
      clients.map(async ({ way, orders }, client) => {
        for (const [number, { name, pauseMs }] of orders.entries()) {
          if (Date.now() > until) return;
          const reason = `${name} ${number} of client ${client}`;
          fired.push({ reason, accepted: await ways[way](name, id, reason) });
          await delay(pauseMs);
        }
      }),
    );
    return fired;
  }

  const begun = async () => {
    const id = await draft('customers');
    await control('start', id);
    await waitFor(() => received(id).length > 5);
    return id;
  };

  /** What was accepted, and nothing that was refused, is in the audit trail, once. */
  const expectAudited = async (id: string, fired: readonly Fired[]) => {
    const changes = (await audit(id)).filter(({ what }) => what === 'dispatch');
    const inTrail = (reason: string) => changes.filter(({ why }) => why === reason).length;
    expect(fired.some(({ accepted }) => accepted === true)).toBe(true);
    for (const { reason, accepted } of fired) {
      if (accepted === undefined) expect(inTrail(reason)).toBeLessThanOrEqual(1);
      else expect(`${reason}: ${inTrail(reason)}`).toBe(`${reason}: ${accepted ? 1 : 0}`);
    }
    await steering.expectExplained(id);
  };

  test('leave a campaign as its audit trail says, which after a last resume ends with everybody mailed once', async () => {
    const id = await begun();
    const fired = await fire(id, ['pause', 'resume'], 0);
    // Whatever came before is in the books once an update that was accepted is answered; a refusal waits for nothing.
    while ((await ways.program('pause', id, 'the very last')) === false)
      await ways.program('resume', id, 'last but one');
    await expectAudited(id, fired);
    await ways.program('resume', id, 'goes on');
    await query('update server set sleep_ms = 0');
    expect(await workflow(id).result()).toMatchObject({
      state: 'Sent',
      totals: { queued: people, sent: people, remaining: 0 },
    });
    await steering.expectExplained(id);
    await steering.expectClosedBooks(id);
    await query('update server set sleep_ms = 100');
  });

  test('with a cancel among them leave it cancelled for good from that moment on', async () => {
    const id = await begun();
    const fired = fire(id, ['pause', 'resume', 'start', 'pause', 'resume'], 100);
    await delay(1_500);
    const cancels = await Promise.all([1, 2, 3].map((n) => ways.program('cancel', id, `cancel ${n}`)));
    expect(cancels.filter((accepted) => accepted)).toHaveLength(1);
    const sent = received(id).length;
    await expectAudited(
      id,
      (await fired).filter(({ reason }) => !reason.startsWith('start')),
    );
    await waitFor(async () => (await words(id)).state === 'Inactive');
    // Not more than what was on the wire when it was accepted.
    expect(received(id).length - sent).toBeLessThanOrEqual(4);
    const trail = await audit(id);
    const after = trail.slice(trail.findIndex(({ to }) => to === 'cancel') + 1);
    expect(after.map(({ to }) => to)).toEqual(['Inactive']);
  });
});
