import { describe, expect, it } from 'vitest';
import { plannedQueue, planRemaining } from '../../../src/dispatch/ledger/plan-remaining.ts';
import {
  type BacklogRange,
  maximumBatchSize,
  type PositionRange,
  rangeLength,
  rangeSizeFor,
  takeRange,
} from '../../../src/domain/batch-plan.ts';
import type { RemainingRecipients } from '../../../src/domain/dispatch.ts';
import { insertCampaign } from '../../contacts/fixtures.ts';
import { useTestDatabase } from '../../support/database.ts';
import fc from '../../support/fast-check.ts';

const database = useTestDatabase();

const query = async (text: string, values: unknown[]) => await database.db.$client.query(text, values);

/** What a mail server said to a recipient: now, or not before an hour. */
type Deferral = { readonly attempts: number; readonly isDue: boolean };

/** The queue of one campaign, in the database and in memory. */
class Queue {
  readonly outcomes = new Set<number>();
  readonly deferrals = new Map<number, Deferral>();

  private constructor(
    readonly id: string,
    readonly length: number,
  ) {}

  static async of(length: number): Promise<Queue> {
    const id = await insertCampaign(database.db, {});
    await query(
      `insert into dispatch_queue (campaign_id, position, contact_id, language)
       select $1, n, n, 'en' from generate_series(1, $2::int) n`,
      [id, length],
    );
    return new Queue(id, length);
  }

  get remaining(): number[] {
    return positionsOf([{ first: 1, last: this.length }]).filter((position) => !this.outcomes.has(position));
  }

  get due(): number[] {
    return this.remaining.filter((position) => this.deferrals.get(position)?.isDue !== false);
  }

  async enter(outcomes: readonly number[], deferrals: ReadonlyMap<number, Deferral>): Promise<void> {
    await query(
      `insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at)
       select $1, n, n, 1, 'd1', 'sent', now() from unnest($2::int[]) n`,
      [this.id, outcomes],
    );
    await query(
      `insert into dispatch_deferral (campaign_id, position, attempts, first_at, due_at, reply)
       select $1, d.position, d.attempts, now(), now() + d.minutes * interval '1 minute', '451 later'
         from unnest($2::int[], $3::int[], $4::int[]) as d(position, attempts, minutes)
       on conflict (campaign_id, position) do update set attempts = excluded.attempts, due_at = excluded.due_at`,
      [
        this.id,
        [...deferrals.keys()],
        [...deferrals.values()].map(({ attempts }) => attempts),
        [...deferrals.values()].map(({ isDue }) => (isDue ? -60 : 60)),
      ],
    );
    for (const position of outcomes) this.outcomes.add(position);
    for (const [position, deferral] of deferrals) this.deferrals.set(position, deferral);
  }

  /** The hour has passed for everybody who was put off. */
  async becomesDue(): Promise<void> {
    await query('update dispatch_deferral set due_at = now() where campaign_id = $1', [this.id]);
    for (const [position, deferral] of this.deferrals)
      this.deferrals.set(position, { ...deferral, isDue: true });
  }
}

function positionsOf(ranges: readonly PositionRange[]): number[] {
  return ranges.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
}

/** Every position that is due lies in exactly one range; ranges are in order, apart from each other, and bounded. */
function expectPlanned(ranges: readonly BacklogRange[], due: readonly number[]): void {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  expect(ranges).toEqual(sorted);
  for (const [index, { first, last, due: howMany }] of sorted.entries()) {
    expect(last).toBeGreaterThanOrEqual(first);
    expect(first).toBeGreaterThan(sorted[index - 1]?.last ?? 0);
    const inside = due.filter((position) => position >= first && position <= last);
    expect(inside.length).toBe(howMany ?? last - first + 1);
    expect(inside.length).toBeLessThanOrEqual(rangeSizeFor(due.length));
  }
  const planned = new Set(positionsOf(ranges));
  expect(due.filter((position) => !planned.has(position))).toEqual([]);
}

function expectRemaining(plan: RemainingRecipients, queue: Queue): void {
  const { remaining, due } = queue;
  expect(plan.remaining).toBe(remaining.length);
  expect(plan.attempts).toBe(
    remaining.reduce((sum, position) => sum + (queue.deferrals.get(position)?.attempts ?? 0), 0),
  );
  expectPlanned(plan.backlog, due);
  // Whoever is left is due now, or it is said when.
  if (due.length > 0 || remaining.length === 0) expect(plan.dueInMs).toBeUndefined();
  else expect(plan.dueInMs).toBeGreaterThan(0);
}

/** What became of one position: an outcome, later, or the batch was stopped before it. */
const fates = fc.array(
  fc.oneof(
    { arbitrary: fc.constant('outcome' as const), weight: 12 },
    { arbitrary: fc.constant('later' as const), weight: 2 },
    { arbitrary: fc.constant('due at once' as const), weight: 2 },
    { arbitrary: fc.constant('stopped' as const), weight: 1 },
  ),
  { minLength: 1, maxLength: 60 },
);

describe('planning who is to be sent to', () => {
  it.each([
    ['an outcome behind the queue', 3, '', [1, 2, 4], 1],
    ['an outcome before the queue', 3, '', [0, 1, 2], 1],
    [
      'a row behind the end, added from outside',
      3,
      'update dispatch_queue set position = 9 where position = 3',
      [1, 2, 3],
      1,
    ],
    [
      'a row before the beginning, added from outside',
      3,
      'update dispatch_queue set position = 0 where position = 3',
      [1, 2, 3],
      1,
    ],
    [
      'a row that is missing, and no outcome either',
      3,
      'delete from dispatch_queue where position = 2',
      [1, 3],
      0,
    ],
    ['nobody in it', 0, '', [], 0],
  ])(
    'counts who is without an outcome in a queue with %s',
    async (_what, length, change, outcomes, remaining) => {
      const queue = await Queue.of(length);
      await queue.enter(outcomes, new Map());
      if (change !== '') await query(`${change} and campaign_id = $1`, [queue.id]);
      expect(await planRemaining(database.db, queue.id)).toMatchObject({ remaining });
    },
  );

  it('puts everybody who is due and without an outcome into exactly one range, whatever has happened before', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 700 }),
        fc.array(fc.constantFrom('outcome', 'due', 'later', 'nothing', 'nothing'), {
          minLength: 1,
          maxLength: 50,
        }),
        fc.integer({ min: 0, max: 20 }),
        async (length, pattern, batches) => {
          const queue = await Queue.of(length);
          const fateOf = (position: number) => pattern[(position * 7) % pattern.length];
          const all = queue.remaining;
          await queue.enter(
            all.filter((position) => fateOf(position) === 'outcome'),
            new Map(
              all
                .filter((position) => fateOf(position) === 'due' || fateOf(position) === 'later')
                .map((position) => [
                  position,
                  { attempts: (position % 4) + 1, isDue: fateOf(position) === 'due' },
                ]),
            ),
          );
          await query(
            `insert into dispatch_batch (campaign_id, batch, first, last, server)
             select $1, n, 1, 1, 'd1' from generate_series(1, $2::int) n`,
            [queue.id, batches],
          );
          expectRemaining(await planRemaining(database.db, queue.id), queue);
          const planned = await plannedQueue(database.db, queue.id, length);
          expect(planned).toMatchObject({ queued: length, nextBatch: batches + 1 });
          // Where no batch has been yet there is nothing to look for.
          if (batches > 0) expectPlanned(planned.backlog, queue.due);
          else expect(positionsOf(planned.backlog)).toHaveLength(length);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('comes to an end with everybody done once, over rounds of batches that are stopped, put back and put off', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 400 }),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 12 }),
        fates,
        async (length, dispatchBatchSize, hosts, fate) => {
          const queue = await Queue.of(length);
          let backlog = [...(await plannedQueue(database.db, queue.id, length)).backlog];
          let turn = 0;
          const done: number[] = [];
          for (let round = 0; ; round++) {
            const outcomes: number[] = [];
            const deferrals = new Map<number, Deferral>();
            for (;;) {
              const taken = takeRange({ backlog, dispatchBatchSize, hosts });
              if (taken === undefined) break;
              backlog = [...taken.backlog];
              const { range } = taken;
              expect(rangeLength(range)).toBeLessThanOrEqual(maximumBatchSize);
              // What a dispatcher reads of its range: whoever is due and has no outcome.
              const due = queue.due.filter((position) => position >= range.first && position <= range.last);
              for (const [index, position] of due.entries()) {
                // Later rounds put nobody off, or there might be no end.
                const what = round > 3 ? 'outcome' : (fate[turn++ % fate.length] ?? 'outcome');
                if (what === 'stopped' && index > 0) {
                  backlog = [{ first: position, last: range.last }, ...backlog];
                  break;
                }
                if (what === 'outcome' || what === 'stopped') outcomes.push(position);
                else
                  deferrals.set(position, {
                    attempts: (queue.deferrals.get(position)?.attempts ?? 0) + 1,
                    isDue: what === 'due at once',
                  });
              }
            }
            expect(new Set([...outcomes, ...deferrals.keys()]).size).toBe(outcomes.length + deferrals.size);
            await queue.enter(outcomes, deferrals);
            done.push(...outcomes);
            const plan = await planRemaining(database.db, queue.id);
            expectRemaining(plan, queue);
            if (plan.remaining === 0) break;
            if (plan.backlog.length === 0) await queue.becomesDue();
            backlog = [...plan.backlog];
          }
          expect(done.sort((a, b) => a - b)).toEqual(positionsOf([{ first: 1, last: length }]));
        },
      ),
      { numRuns: 40 },
    );
  });
});
