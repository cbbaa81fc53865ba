import { describe, expect, it } from 'vitest';
import type { Database } from '../../src/db/connect.ts';
import { answeredReasons } from '../../src/dispatch/bounce-of.ts';
import type { Lease } from '../../src/dispatch/ledger/lease.ts';
import { Recorder } from '../../src/dispatch/ledger/recorder.ts';
import type { PositionRange } from '../../src/domain/batch-plan.ts';
import { addCounts, noCounts, type Outcome, type OutcomeCounts } from '../../src/domain/outcome.ts';
import { createLogger } from '../../src/logging.ts';
import { insertCampaign } from '../contacts/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import fc from '../support/fast-check.ts';

const database = useTestDatabase();

const query = async (text: string, values: unknown[]) => (await database.db.$client.query(text, values)).rows;

type Failure = 'not done' | 'answer lost';

/** The database over a connection that breaks: before a flush has reached it, or before its answer has come back. */
class BreakingDatabase {
  readonly db: Database;
  private readonly failures: Failure[] = [];

  constructor(real: Database) {
    const run = async (...args: unknown[]): Promise<unknown> => {
      const failure = this.failures.shift();
      if (failure === 'not done') throw broken();
      const answer = await Reflect.apply(real.$client.query, real.$client, args);
      if (failure === 'answer lost') throw broken();
      return answer;
    };
    const client = Object.create(real.$client, { query: { value: run } });
    this.db = Object.create(real, { $client: { value: client } });
  }

  breakNext(failure: Failure): void {
    this.failures.push(failure);
  }
}

function broken(): Error {
  return Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
}

interface LedgerRow {
  readonly position: number;
  readonly batch: number;
  readonly kind: Outcome['kind'];
  /** Number of the hold that wrote it. */
  readonly hold: number;
}

/** One lease, and what was sent under it. */
interface Hold {
  readonly number: number;
  readonly recorder: Recorder;
  readonly lease: Lease;
  readonly range: PositionRange;
  readonly todo: number[];
  readonly recorded: Set<number>;
  /** What stood in the ledger of it when others took its range: nothing may be added to that. */
  fenced?: readonly LedgerRow[];
  closed?: boolean;
}

const kinds = ['sent', 'failed', 'skipped', 'in_doubt'] as const;
type Kind = (typeof kinds)[number];

function outcome(kind: Kind, hold: number): Outcome {
  if (kind === 'sent') return { kind, reply: '250 ok', messageId: String(hold) };
  // As a mail server refuses a recipient, which is a bounce.
  if (kind === 'failed') return { kind, reason: answeredReasons.refused, reply: `550 5.1.1 ${hold}` };
  return { kind, reason: String(hold) };
}

/** Several dispatchers with one campaign, whose batches change hands. */
class Scene {
  readonly holds: Hold[] = [];
  private readonly attempts = new Map<number, number>();
  private readonly servers: { readonly recorder: Recorder; readonly wire: BreakingDatabase }[];

  private constructor(
    readonly id: string,
    readonly length: number,
  ) {
    this.servers = ['a', 'b', 'c'].map((server) => {
      const wire = new BreakingDatabase(database.db);
      const log = createLogger('test');
      log.level = 'silent';
      return {
        wire,
        recorder: new Recorder({
          db: wire.db,
          server,
          log,
          sleepMs: 0,
          flushIntervalMs: 5,
          flushOutcomes: 7,
        }),
      };
    });
  }

  static async of(length: number): Promise<Scene> {
    return new Scene(await insertCampaign(database.db, {}), length);
  }

  async ledger(): Promise<LedgerRow[]> {
    return await query(
      `select position, batch, kind, coalesce(message_id, substring(reply from '(\\d+)$'), reason)::int as hold from dispatch_outcome
        where campaign_id = $1 order by position`,
      [this.id],
    );
  }

  breakNext(server: number, failure: Failure): void {
    this.servers[server % this.servers.length]?.wire.breakNext(failure);
  }

  async take(server: number, batch: number, range: PositionRange): Promise<Hold> {
    const { recorder } = this.servers[server % this.servers.length] ?? { recorder: undefined };
    if (recorder === undefined) throw new Error('there is no such server');
    const attempt = (this.attempts.get(batch) ?? 0) + 1;
    this.attempts.set(batch, attempt);
    const lease = await recorder.open(this.id, batch, range, attempt);
    const rows = await this.ledger();
    for (const hold of this.holds) {
      const overlaps = hold.range.first <= range.last && hold.range.last >= range.first;
      if (overlaps) hold.fenced ??= rows.filter((row) => row.hold === hold.number);
    }
    const done = new Set(rows.map(({ position }) => position));
    const todo = Array.from({ length: range.last - range.first + 1 }, (_, index) => range.first + index);
    const hold: Hold = {
      number: this.holds.length,
      recorder,
      lease,
      range,
      todo: todo.filter((position) => !done.has(position)),
      recorded: new Set(),
    };
    this.holds.push(hold);
    return hold;
  }

  /** An attempt that Temporal has given up, and that takes its batch only now. */
  async takeLate(server: number, batch: number, range: PositionRange): Promise<void> {
    const attempt = this.attempts.get(batch);
    if (attempt === undefined) return;
    const { recorder } = this.servers[server % this.servers.length] ?? {};
    await expect(recorder?.open(this.id, batch, range, attempt)).rejects.toMatchObject({
      code: 'LEASE_LOST',
    });
  }

  async send(hold: Hold, fates: readonly (Kind | 'later')[]): Promise<void> {
    for (const fate of fates) {
      if (hold.closed === true || !(await hold.recorder.mayGoOn(hold.lease))) return;
      // Others at work under this hold may have taken the last ones, or closed it, meanwhile.
      const position = hold.lease.closing ? undefined : hold.todo.shift();
      if (position === undefined) return;
      const at = new Date();
      if (fate === 'later') {
        hold.recorder.defer(hold.lease, {
          position,
          attempts: 1,
          sinceFirstMs: 0,
          dueInMs: 0,
          reply: '451 later',
        });
      } else {
        hold.recorder.record(hold.lease, {
          position,
          contactId: position,
          outcome: outcome(fate, hold.number),
          at,
        });
        hold.recorded.add(position);
      }
    }
  }

  async close(hold: Hold): Promise<OutcomeCounts | undefined> {
    if (hold.closed === true) return undefined;
    hold.closed = true;
    return await hold.recorder.close(hold.lease);
  }

  stop(): void {
    for (const { recorder } of this.servers) recorder.stop();
  }
}

function counted(rows: readonly LedgerRow[]): OutcomeCounts {
  const names = { sent: 'sent', failed: 'failed', skipped: 'skipped', in_doubt: 'inDoubt' } as const;
  return rows.reduce(
    (sum, { kind }) => (kind === 'cancelled' ? sum : addCounts(sum, { ...noCounts, [names[kind]]: 1 })),
    noCounts,
  );
}

const small = fc.nat({ max: 20 });
const fate = fc.constantFrom(...kinds, 'later' as const);
const takes = fc.oneof(
  { arbitrary: fc.record({ what: fc.constant('batch' as const), server: small, batch: small }), weight: 4 },
  { arbitrary: fc.record({ what: fc.constant('late' as const), server: small, batch: small }), weight: 1 },
  // Of a run that was started after another was ended from outside: a new number, and a range of its own.
  {
    arbitrary: fc.record({
      what: fc.constant('overlap' as const),
      server: small,
      batch: small,
      length: small,
    }),
    weight: 1,
  },
);
const acts = fc.oneof(
  {
    arbitrary: fc.record({
      what: fc.constant('send' as const),
      hold: small,
      fates: fc.array(fate, { minLength: 1, maxLength: 12 }),
    }),
    weight: 8,
  },
  { arbitrary: fc.record({ what: fc.constant('close' as const), hold: small }), weight: 2 },
  {
    arbitrary: fc.record({
      what: fc.constant('break' as const),
      server: small,
      failure: fc.constantFrom('not done' as const, 'answer lost' as const),
    }),
    weight: 1,
  },
);
/** In each turn a batch is taken while others are at work. */
const turns = fc.array(fc.record({ take: takes, acts: fc.array(acts, { maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 9,
});

describe('the accounting of outcomes', () => {
  it('has each recipient once, with counts that equal the ledger, over dispatchers that take each other’s batches, flushes that fail and holders that are late', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 9 }), turns, play),
      { numRuns: 25 },
    );
  });
});

async function play(
  length: number,
  batchSize: number,
  played: typeof turns extends fc.Arbitrary<infer Turns> ? Turns : never,
): Promise<void> {
  const scene = await Scene.of(length);
  try {
    const batches = Math.ceil(length / batchSize);
    const rangeOf = (batch: number): PositionRange => ({
      first: batch * batchSize + 1,
      last: Math.min(length, (batch + 1) * batchSize),
    });
    let overlaps = 0;
    for (const { take, acts: doing } of played) {
      const batch = take.batch % batches;
      const taking = async () => {
        if (take.what === 'batch') await scene.take(take.server, batch, rangeOf(batch));
        else if (take.what === 'late') await scene.takeLate(take.server, batch, rangeOf(batch));
        else {
          const { first } = rangeOf(batch);
          await scene.take(take.server, batches + overlaps++, {
            first,
            last: Math.min(length, first + take.length),
          });
        }
      };
      const before = [...scene.holds];
      await Promise.all([
        taking(),
        ...doing.map(async (act) => {
          if (act.what === 'break') return scene.breakNext(act.server, act.failure);
          const hold = before[act.hold % Math.max(1, before.length)];
          if (hold === undefined) return;
          if (act.what === 'send') await scene.send(hold, act.fates);
          else await scene.close(hold);
        }),
      ]);
    }
    // At last somebody takes every batch and works through it.
    for (let batch = 0; batch < batches; batch++) {
      const last = await scene.take(batch, batch, rangeOf(batch));
      await scene.send(
        last,
        Array.from({ length: batchSize }, (_, index) => kinds[index % 4] ?? 'sent'),
      );
      expect(last.todo).toEqual([]);
      const counts = await scene.close(last);
      expect(counts).toEqual(counted((await scene.ledger()).filter((row) => row.batch === batch)));
    }
    await Promise.all(scene.holds.map(async (hold) => await scene.close(hold)));

    const rows = await scene.ledger();
    expect(rows.map(({ position }) => position)).toEqual(Array.from({ length }, (_, index) => index + 1));
    for (const hold of scene.holds) {
      const written = rows.filter((row) => row.hold === hold.number);
      if (hold.fenced !== undefined) expect(written).toEqual(hold.fenced);
      else expect(new Set(written.map(({ position }) => position))).toEqual(hold.recorded);
      // Nothing is in the books that was not sent, nor by anybody else.
      for (const { position, batch } of written) {
        expect(hold.recorded).toContain(position);
        expect(batch).toBe(hold.lease.batch);
      }
    }
    const bounces = await query(
      `select position, detail->>'class' as class from event_inbox where campaign_id = $1 order by position`,
      [scene.id],
    );
    const refused = rows.filter(({ kind }) => kind === 'failed');
    expect(bounces).toEqual(refused.map(({ position }) => ({ position, class: 'hard' })));
    const counts = await query(
      'select batch, sent, failed, skipped, in_doubt as "inDoubt" from dispatch_batch where campaign_id = $1',
      [scene.id],
    );
    for (const { batch, ...inBatch } of counts)
      expect(inBatch).toEqual(counted(rows.filter((row) => row.batch === batch)));
  } finally {
    scene.stop();
  }
}
