import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { RefusedError } from '../../src/domain/errors.ts';
import { useCampaignFixture } from './campaign-fixture.ts';
import fc from './fast-check.ts';
import { importRecipients } from './newsletter.ts';
import { type Steering, useSteering } from './steering.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface RandomCampaigns {
  /** All that is random follows from it. */
  readonly seed: number;
  /** Campaigns that are sent at the same time. */
  readonly campaigns: number;
  /** Planned stops of a dispatcher, each followed by the start of another. */
  readonly drains: number;
}

/** What a program does to a campaign after so many milliseconds. */
const interventions = fc.record({
  afterMs: fc.integer({ min: 0, max: 2_500 }),
  what: fc.oneof(
    { arbitrary: fc.constantFrom('pause' as const, 'resume' as const), weight: 10 },
    { arbitrary: fc.constantFrom('pause signal' as const, 'resume signal' as const), weight: 4 },
    { arbitrary: fc.constant('slots' as const), weight: 4 },
    { arbitrary: fc.constant('cancel' as const), weight: 1 },
  ),
  slots: fc.integer({ min: 0, max: 12 }),
});
type Intervention = typeof interventions extends fc.Arbitrary<infer T> ? T : never;

const recipients = fc.oneof(fc.constantFrom(0, 1, 2), fc.integer({ min: 3, max: 40 }));
const scenario = fc.record({
  people: recipients,
  interventions: fc.array(interventions, { maxLength: 8 }),
  /** One recipient in so many is put off once; 0: nobody. */
  putOff: fc.constantFrom(0, 0, 3, 9),
});

/**
 * Small campaigns in runs of one to three batches, all at once, paused, resumed, cancelled and told of dispatchers at
 * any moment, while dispatchers drain and the mail server puts people off: each ends by itself, with everybody's outcome
 * in the books and nobody mailed twice.
 */
export function describeRandomCampaigns({ seed, campaigns, drains }: RandomCampaigns): void {
  const sample = <T>(arbitrary: fc.Arbitrary<T>, count: number, about: number) =>
    fc.sample(arbitrary, { seed: seed + about, numRuns: count });
  const [settings = { dispatchBatchSize: 1, batchesPerRun: 1 }] = sample(
    fc.record({
      dispatchBatchSize: fc.integer({ min: 1, max: 12 }),
      batchesPerRun: fc.integer({ min: 1, max: 3 }),
    }),
    1,
    1,
  );
  const scenarios = sample(scenario, campaigns, 2);

  describe(`random campaigns (seed ${seed}, ${JSON.stringify(settings)})`, () => {
    const putOff = new Set<string>();
    const fixture = useCampaignFixture({
      receiver: {
        onRcpt: (address) => {
          if (!putOff.delete(address)) return undefined;
          return { code: 451, text: '4.7.1 come back later' };
        },
      },
      prepare: ({ dir }) =>
        writeFileSync(
          join(dir, 'exm.config.ts'),
          `export default ${JSON.stringify({ settings: { ...settings, deferralFirstDelaySeconds: 1 } })};`,
        ),
    });
    const steering = useSteering(fixture);
    const { workflow, words, draft, control, query } = steering;
    let started = 0;
    const dispatcher = async () =>
      await fixture.installation.startWorker('dedicated-dispatch', [
        ...['--name', `d${++started}`, '--sleep-ms', '20', '--threads', '2'],
      ]);
    const working: WorkerProcess[] = [];

    beforeAll(async () => {
      for (const people of new Set(scenarios.map((one) => one.people))) {
        const list = `list-${people}`;
        if (people === 0) await fixture.installation.exm(['list', 'create', list]);
        else await importRecipients(fixture.installation, people, list);
      }
      working.push(...(await Promise.all([dispatcher(), dispatcher()])));
    });

    test('end by themselves, with everybody in the books once and nobody mailed twice', async () => {
      const draining = (async () => {
        for (let drain = 0; drain < drains; drain++) {
          await delay(500);
          const next = await dispatcher();
          expect(await working.shift()?.stop()).toBe(0);
          working.push(next);
        }
      })();
      await Promise.all(
        scenarios.map(async ({ people, interventions: planned, putOff: every }) => {
          const id = await draft(`list-${people}`);
          for (let n = 1; n <= people; n++) if (every > 0 && n % every === 0) putOff.add(`r${n}@example.com`);
          await control('start', id);
          await Promise.all(planned.map(async (one) => await intervene(steering, id, one)));
          // Whatever is left of pauses is taken back by a person at last.
          let isRunning = true;
          const ended = workflow(id)
            .result()
            .finally(() => {
              isRunning = false;
            });
          while (isRunning) {
            if ((await words(id)).word === 'pause') await control('resume', id).catch(unlessRefused);
            await delay(200);
          }
          const { state } = await ended;
          expect(state).toBe((await words(id)).word === 'cancel' ? 'Inactive' : 'Sent');
          await steering.expectExplained(id);
          await steering.expectClosedBooks(id);
          if (state === 'Sent') expect(await wasContinuedAsNew(id)).toBe(await fillsRuns(id));
        }),
      );
      await draining;
    });

    const fillsRuns = async (id: string): Promise<boolean> => {
      const [row] = await query(
        'select count(*)::int as batches from dispatch_batch where campaign_id = $1',
        [id],
      );
      return row?.batches >= settings.batchesPerRun;
    };
    const wasContinuedAsNew = async (id: string): Promise<boolean> => {
      const { runId, raw } = await workflow(id).describe();
      return raw.workflowExecutionInfo?.firstRunId !== runId;
    };
  });
}

async function intervene(
  { control, workflow }: Steering,
  id: string,
  { afterMs, what, slots }: Intervention,
): Promise<void> {
  await delay(afterMs);
  const by = `${what} after ${afterMs} ms`;
  if (what === 'pause' || what === 'resume' || what === 'cancel')
    await control(what, id, { by }).catch(unlessRefused);
  else if (what === 'slots') await workflow(id).signal('dispatchersChanged', { slots }).catch(unlessEnded);
  else
    await workflow(id)
      .signal(what === 'pause signal' ? 'pause' : 'resume', { by })
      .catch(unlessEnded);
}

function unlessRefused(error: unknown): void {
  if (!(error instanceof RefusedError)) throw error;
}

function unlessEnded(error: unknown): void {
  if (!(error instanceof Error && error.name === 'WorkflowNotFoundError')) throw error;
}
