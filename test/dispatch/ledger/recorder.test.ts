import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { flushOutcomes } from '../../../src/dispatch/ledger/flush-outcomes.ts';
import type { RecordedOutcome } from '../../../src/dispatch/ledger/lease.ts';
import { Recorder } from '../../../src/dispatch/ledger/recorder.ts';
import type { Outcome } from '../../../src/domain/outcome.ts';
import { createLogger } from '../../../src/logging.ts';
import { insertCampaign } from '../../contacts/fixtures.ts';
import { useTestDatabase } from '../../support/database.ts';
import { silentDatabase } from '../../support/silent-database.ts';
import { waitFor } from '../../support/wait-for.ts';

const database = useTestDatabase();

const recorders: Recorder[] = [];
afterEach(() => {
  for (const recorder of recorders.splice(0)) recorder.stop();
});

function startRecorder(server = 'd1', db = database.db): Recorder {
  const recorder = new Recorder({ db, server, log: createLogger('test'), sleepMs: 0 });
  recorders.push(recorder);
  return recorder;
}

const sent = (position: number): RecordedOutcome =>
  at(position, { kind: 'sent', reply: '250 ok', messageId: `<${position}@x>` });
const at = (position: number, outcome: Outcome): RecordedOutcome => ({
  position,
  contactId: position,
  outcome,
  at: new Date(),
});
const deferral = (position: number) => ({
  position,
  attempts: 1,
  sinceFirstMs: 0,
  dueInMs: 60_000,
  reply: '451 later',
});

interface LedgerRow {
  readonly position: number;
  readonly kind: string;
  readonly reason: string | null;
  readonly reply: string | null;
}

async function ledger(campaignId: string): Promise<LedgerRow[]> {
  const { rows } = await database.db.$client.query<LedgerRow>(
    'select position, kind, reason, reply from dispatch_outcome where campaign_id = $1 order by position',
    [campaignId],
  );
  return rows;
}

describe('the recorder of a dispatcher', () => {
  it('enters a reply that no database takes as it is cleaned and bounded', async () => {
    const id = await insertCampaign(database.db, {});
    const recorder = startRecorder();
    const lease = await recorder.open(id, 1, { first: 1, last: 10 }, 1);
    recorder.record(lease, at(1, { kind: 'failed', reason: 'refused', reply: '550 a\u0000b' }));
    recorder.record(lease, at(2, { kind: 'failed', reason: 'no\u0000reason', reply: 'x'.repeat(1_000_000) }));
    recorder.record(lease, at(3, { kind: 'failed', reason: 'half \ud800', reply: '\udc00 half' }));
    recorder.defer(lease, { ...deferral(4), reply: '451 a\u0000b' });
    expect(await recorder.close(lease)).toMatchObject({ failed: 3 });
    const rows = await ledger(id);
    expect(rows.map(({ position }) => position)).toEqual([1, 2, 3]);
    expect(rows[0]?.reply).toMatch(/^550 a.?b$/);
    expect(rows[1]?.reason).toMatch(/^no.?reason$/);
    expect(rows[1]?.reply?.length).toBeLessThan(10_000);
    const { rows: deferred } = await database.db.$client.query(
      'select reply from dispatch_deferral where campaign_id = $1',
      [id],
    );
    expect(deferred).toEqual([{ reply: expect.stringMatching(/^451 a.?b$/) }]);
  });

  it('books an outcome that the database refuses as failed, and holds up no other batch with it', async () => {
    const id = await insertCampaign(database.db, {});
    await refuseInLedger(id, 3);
    const recorder = startRecorder();
    const one = await recorder.open(id, 1, { first: 1, last: 10 }, 1);
    const other = await recorder.open(id, 2, { first: 11, last: 20 }, 1);
    for (const position of [1, 2, 3, 4]) recorder.record(one, sent(position));
    recorder.record(other, sent(11));
    const [counts, otherCounts] = await Promise.all([recorder.close(one), recorder.close(other)]);
    expect(counts).toMatchObject({ sent: 3, failed: 1 });
    expect(otherCounts).toMatchObject({ sent: 1, failed: 0 });
    expect((await ledger(id)).map(({ position, kind }) => `${position} ${kind}`)).toEqual([
      '1 sent',
      '2 sent',
      '3 failed',
      '4 sent',
      '11 sent',
    ]);
  });

  it('shuts out whoever holds an overlapping range under another number', async () => {
    const id = await insertCampaign(database.db, {});
    const orphan = startRecorder('orphan');
    const old = await orphan.open(id, 1, { first: 1, last: 10 }, 1);
    orphan.record(old, sent(1));
    await waitFor(async () => (await ledger(id)).length === 1);
    const heir = startRecorder('heir');
    const bystander = await orphan.open(id, 2, { first: 11, last: 20 }, 1);
    const taken = await heir.open(id, 3, { first: 2, last: 10 }, 1);
    orphan.record(old, sent(2));
    await waitFor(() => old.word === 'lost', { describe: 'the orphan to be told' });
    expect(await orphan.mayGoOn(old)).toBe(false);
    expect(await orphan.mayGoOn(bystander)).toBe(true);
    heir.record(taken, sent(3));
    expect(await heir.close(taken)).toMatchObject({ sent: 1 });
    expect((await ledger(id)).map(({ position }) => position)).toEqual([1, 3]);
    await Promise.all([orphan.close(old), orphan.close(bystander)]);
  });

  it('sends nothing more while the database refuses whatever is booked, and goes on when it does not', async () => {
    const id = await insertCampaign(database.db, {});
    await refuseInLedger(id, 1, '%');
    const recorder = startRecorder();
    const lease = await recorder.open(id, 1, { first: 1, last: 10 }, 1);
    recorder.record(lease, sent(1));
    // The first refusals, of all and of one, and that of what would be booked instead; then nobody goes on.
    await waitFor(async () => (await refusals()) >= 3 && recorder.mayGoOn(lease) !== true, {
      describe: 'the refusals',
    });
    let mayGoOn = false;
    const asking = Promise.resolve(recorder.mayGoOn(lease)).then((may) => {
      mayGoOn = may;
    });
    await delay(1_000);
    expect(mayGoOn).toBe(false);
    await database.db.$client.query('drop trigger refuse on dispatch_outcome');
    await asking;
    expect(mayGoOn).toBe(true);
    expect(await recorder.close(lease)).toMatchObject({ failed: 1 });
  });

  it('has what a killed holder left entered before it takes a part of its range under another number', async () => {
    const id = await insertCampaign(database.db, {});
    const killed = startRecorder('killed');
    await killed.open(id, 1, { first: 1, last: 10 }, 1);
    killed.stop();
    const entered: string[] = [];
    const recorder = new Recorder({
      db: database.db,
      server: 'heir',
      log: createLogger('test'),
      sleepMs: 0,
      beforeTakingOver: async () => {
        const { rows } = await database.db.$client.query(
          'select from dispatch_batch where campaign_id = $1 and ended_at is null',
          [id],
        );
        entered.push(`${rows.length} open`);
      },
    });
    recorders.push(recorder);
    await recorder.open(id, 2, { first: 11, last: 20 }, 1);
    expect(entered).toEqual([]);
    await recorder.open(id, 3, { first: 5, last: 10 }, 1);
    expect(entered).toEqual(['2 open']);
  });

  it('does not take an announcement back that it had given up, and that arrives late', async () => {
    const id = await insertCampaign(database.db, {});
    const lease = await startRecorder().open(id, 1, { first: 1, last: 50 }, 1);
    const announce = async (first: number, last: number) =>
      await flushOutcomes(database.db, {
        server: 'd1',
        leases: [lease],
        closing: [],
        outcomes: [],
        deferrals: [],
        announcing: new Map([[lease, { first, last }]]),
      });
    await announce(1, 20);
    await announce(21, 40);
    await announce(1, 20);
    const { rows } = await database.db.$client.query(
      'select announced_first as first, announced_last as last from dispatch_batch where campaign_id = $1',
      [id],
    );
    expect(rows).toEqual([{ first: 21, last: 40 }]);
  });

  it('enters and counts what is new of a flush of which a part stands in the books already', async () => {
    const id = await insertCampaign(database.db, {});
    const lease = await startRecorder().open(id, 1, { first: 1, last: 10 }, 1);
    const flush = async (...outcomes: RecordedOutcome[]) => {
      const { batches } = await flushOutcomes(database.db, {
        server: 'd1',
        leases: [lease],
        closing: [],
        outcomes: outcomes.map((outcome) => ({ lease, outcome })),
        deferrals: [],
        announcing: new Map(),
      });
      return batches.get(lease)?.counts;
    };
    const failed = at(2, { kind: 'failed', reason: 'refused' });
    expect(await flush(sent(1), failed, at(3, { kind: 'skipped', reason: 'no' }))).toMatchObject({
      sent: 1,
      failed: 1,
      skipped: 1,
    });
    expect(await flush(sent(2), sent(4), sent(4), at(5, { kind: 'in_doubt', reason: 'gone' }))).toEqual({
      sent: 2,
      failed: 1,
      skipped: 1,
      inDoubt: 1,
    });
    expect(await ledger(id)).toEqual([
      { position: 1, kind: 'sent', reason: null, reply: '250 ok' },
      { position: 2, kind: 'failed', reason: 'refused', reply: null },
      { position: 3, kind: 'skipped', reason: 'no', reply: null },
      { position: 4, kind: 'sent', reason: null, reply: '250 ok' },
      { position: 5, kind: 'in_doubt', reason: 'gone', reply: null },
    ]);
  });

  it('asks for all at once again where the database went away while it was asked one by one', async () => {
    const id = await insertCampaign(database.db, {});
    let flushes = 0;
    const client = Object.create(database.db.$client, {
      query: {
        value: async (...args: Parameters<typeof database.db.$client.query>) => {
          flushes++;
          if (flushes === 1) throw Object.assign(new Error('refused'), { code: '23514' });
          if (flushes === 2) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
          return await database.db.$client.query(...args);
        },
      },
    });
    const recorder = startRecorder('d1', Object.create(database.db, { $client: { value: client } }));
    const lease = await recorder.open(id, 1, { first: 1, last: 10 }, 1);
    for (const position of [1, 2, 3, 4]) recorder.record(lease, sent(position));
    recorder.defer(lease, deferral(5));
    expect(await recorder.close(lease)).toMatchObject({ sent: 4 });
    expect(flushes).toBe(3);
    expect(lease.unrecorded).toBe(0);
  });

  it('goes on where two batches put off the same recipient in one flush', async () => {
    const id = await insertCampaign(database.db, {});
    const recorder = startRecorder();
    const one = await recorder.open(id, 1, { first: 1, last: 10 }, 1);
    const other = await recorder.open(id, 2, { first: 1, last: 10 }, 1);
    recorder.defer(one, deferral(5));
    recorder.defer(other, deferral(5));
    await Promise.all([recorder.close(one), recorder.close(other)]);
    const { rows } = await database.db.$client.query(
      'select position from dispatch_deferral where campaign_id = $1',
      [id],
    );
    expect(rows).toEqual([{ position: 5 }]);
  });

  it('gives up on a connection that has fallen silent, and records on another', async () => {
    const id = await insertCampaign(database.db, {});
    const wire = await silentDatabase(database.url);
    try {
      const recorder = startRecorder('d1', wire.db);
      const lease = await recorder.open(id, 1, { first: 1, last: 10 }, 1);
      recorder.record(lease, sent(1));
      await waitFor(async () => (await ledger(id)).length === 1);
      wire.fallSilent();
      recorder.record(lease, sent(2));
      await waitFor(async () => (await ledger(id)).length === 2, { describe: 'the second outcome' });
      expect(await recorder.mayGoOn(lease)).toBe(true);
      expect(await recorder.close(lease)).toMatchObject({ sent: 2 });
    } finally {
      await wire.close();
    }
  });
});

/** A rule of the installation's own, say, that nobody here knows of. */
async function refuseInLedger(campaignId: string, position: number, kind = 'sent'): Promise<void> {
  await database.db.$client.query(`
    drop sequence if exists refusals;
    create sequence refusals;
    create or replace function refuse() returns trigger language plpgsql as $$
      begin
        perform nextval('refusals');
        raise exception 'not this one' using errcode = 'check_violation';
      end $$;
    create or replace trigger refuse before insert on dispatch_outcome for each row
      when (new.campaign_id = '${campaignId}' and new.position = ${position} and new.kind like '${kind}')
      execute function refuse();`);
}

/** How often that has been refused: a sequence counts what a rollback takes back. */
async function refusals(): Promise<number> {
  const { rows } = await database.db.$client.query<{ times: number }>(
    'select case when is_called then last_value else 0 end::int as times from refusals',
  );
  return rows[0]?.times ?? 0;
}
