import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../src/dispatch/journal.ts';
import { type JournalEntry, parseJournal } from '../../src/dispatch/journal-lines.ts';
import { LeftJournals } from '../../src/dispatch/left-journals.ts';
import { createLogger } from '../../src/logging.ts';
import { packagePath } from '../../src/package-path.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { queuedCampaign } from '../support/dispatch-host.ts';

const log = createLogger('test');
const of = { campaignId: 'autumn-1234', batch: 3, lease: 1 };
const sent = (position: number, contactId = position) => ({
  position,
  contactId,
  outcome: { kind: 'sent', reply: '250 ok', messageId: `<${position}@x>` } as const,
  at: new Date(1_700_000_000_000 + position),
});
const putOff = (position: number) => ({
  position,
  attempts: 1,
  sinceFirstMs: 0,
  dueInMs: 60_000,
  reply: '451',
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'exm-journal-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** All that stands in the folder. */
function written(folder = dir): JournalEntry[] {
  return readdirSync(folder).flatMap(
    (name) => parseJournal(readFileSync(join(folder, name), 'utf8')).entries,
  );
}
const positions = () => written().map((entry) => ('position' in entry ? entry.position : 0));

describe('the journal', () => {
  it('is on disk before the next turn of the event loop is over', async () => {
    const journal = new Journal({ dir, server: 'd1', log });
    journal.outcome(of, sent(1));
    journal.outcome(of, sent(2));
    expect(written()).toEqual([]);
    await journal.appended();
    expect(written()).toEqual([1, 2].map((position) => ({ type: 'outcome', ...of, ...sent(position) })));
    expect(journal.appended()).toBeUndefined();
    journal.close();
  });

  it('keeps what a flush has not recorded, and only that', async () => {
    const journal = new Journal({ dir, server: 'd1', log });
    const told = async (position: number) => {
      journal.outcome(of, sent(position));
      await journal.appended();
    };
    await told(1);
    journal.flushBegins();
    await told(2);
    journal.flushSucceeded();
    expect(positions()).toEqual([2]);
    journal.flushBegins();
    await told(3);
    // That flush failed; the next one holds all there is.
    journal.flushBegins();
    await told(4);
    expect(positions().sort()).toEqual([2, 3, 4]);
    journal.flushSucceeded();
    expect(positions()).toEqual([3, 4]);
    journal.flushBegins();
    journal.flushSucceeded();
    await told(5);
    journal.close();
    expect(positions()).toEqual([5]);
  });

  it('leaves no file behind where everything is recorded', async () => {
    const journal = new Journal({ dir, server: 'd1', log });
    journal.announced(of, { first: 1, last: 20 });
    journal.begun(of, 1);
    journal.outcome(of, sent(1));
    await journal.appended();
    journal.ended(of);
    journal.flushBegins();
    journal.flushSucceeded();
    journal.close();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('keeps what is begun, however often the files take turns, until it is answered', async () => {
    const journal = new Journal({ dir, server: 'd1', log });
    const flush = () => {
      journal.flushBegins();
      journal.flushSucceeded();
    };
    journal.announced(of, { first: 1, last: 20 });
    journal.begun(of, 7);
    for (let turn = 0; turn < 3; turn++) flush();
    expect(written()).toEqual([
      { type: 'announced', ...of, range: { first: 1, last: 20 } },
      { type: 'begun', ...of, position: 7 },
    ]);
    journal.deferral(of, putOff(7));
    await journal.appended();
    flush();
    expect(written().map(({ type }) => type)).toEqual(['announced']);
    journal.close();
  });

  it('is read in spite of a line that was cut off', () => {
    const lines = [
      '{"journal":1,"server":"d1","host":"h","process":{"pid":2,"identity":"x"}}',
      '["o","a",1,1,5,5,{"kind":"sent","reply":"","messageId":""},0]',
      '["o","a",1,1,6,6,{"ki',
    ];
    const parsed = parseJournal(lines.join('\n'));
    expect(parsed.owner?.server).toBe('d1');
    expect(parsed.entries).toHaveLength(1);
    expect(parsed.damaged).toBe(1);
  });

  it('refuses a folder that it cannot use', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => new Journal({ dir: join(dir, 'file'), server: 'd1', log })).toThrow(
      expect.objectContaining({ code: 'JOURNAL_DIR', field: 'EXM_JOURNAL_DIR' }),
    );
  });

  it('is given up where the disk is full, says so, and is taken up again when there is room', async (context) => {
    const small = join(dir, 'small');
    execFileSync('mkdir', [small]);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', small], { stdio: 'ignore' });
    } catch {
      return context.skip('a small file system can only be mounted by root, where the kernel lets it');
    }
    try {
      const journal = new Journal({ dir: small, server: 'd1', log });
      writeFileSync(join(small, 'ballast'), Buffer.alloc(4_096));
      for (let position = 1; position <= 200; position++) journal.outcome(of, sent(position));
      await journal.appended();
      expect(journal.works).toBe(false);
      expect(written(small)).toEqual([]);
      rmSync(join(small, 'ballast'));
      journal.flushBegins();
      journal.flushSucceeded();
      expect(journal.works).toBe(true);
      journal.outcome(of, sent(201));
      await nextTurn();
      expect(written(small)).toHaveLength(1);
      journal.close();
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

describe('what a killed dispatcher has left in its journal', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(async () => await database.drop());

  const people = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ email: `p${Math.random()}-${index + 1}@example.com` }));
  const query = async <Row extends object>(text: string, ...values: unknown[]) =>
    (await database.db.$client.query<Row>(text, values)).rows;

  /** A campaign whose batch 1 was taken by "killed", as attempt 1. */
  async function takenCampaign(announced?: { first: number; last: number }) {
    const { campaignId } = await queuedCampaign(database.db, people(30));
    await query(
      `insert into dispatch_batch (campaign_id, batch, first, last, lease, server, announced_first, announced_last, announced_at)
       values ($1, 1, 1, 30, 1, 'killed', $2, $3, case when $2::int is null then null else now() end)`,
      campaignId,
      announced?.first,
      announced?.last,
    );
    const queue = await query<{ contact: string }>(
      'select contact_id::text as contact from dispatch_queue where campaign_id = $1 order by position',
      campaignId,
    );
    return {
      campaignId,
      of: { campaignId, batch: 1, lease: 1 },
      contactOf: (position: number) => Number(queue[position - 1]?.contact),
    };
  }

  /** Runs a process that writes a journal and is killed. */
  async function killedProcess(script: string): Promise<void> {
    const module = pathToFileURL(packagePath('dist/src/dispatch/journal.js')).href;
    const source = `
      import { Journal } from ${JSON.stringify(module)};
      const log = { error: console.error, warn: console.error, info() {} };
      const journal = new Journal({ dir: ${JSON.stringify(dir)}, server: 'killed', log });
      const sent = (position, contactId, kind = 'sent') =>
        ({ position, contactId, at: new Date(), outcome: { kind, reply: '250 ok', messageId: '<' + position + '@x>' } });
      ${script}
      await journal.appended();
      console.log('written');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('close', () => reject(new Error('the process ended by itself')));
    });
    child.kill('SIGKILL');
    await closed;
  }

  const enter = async () => await new LeftJournals({ dir, db: database.db, log, own: [] }).enter();
  const books = async (campaignId: string) =>
    Object.fromEntries(
      (
        await query<{ position: number; kind: string }>(
          'select position, kind from dispatch_outcome where campaign_id = $1 order by position',
          campaignId,
        )
      ).map(({ position, kind }) => [position, kind]),
    );
  const counts = async (campaignId: string) =>
    (
      await query(
        `select sent, failed, in_doubt as "inDoubt", announced_first as announced from dispatch_batch where campaign_id = $1 and batch = 1`,
        campaignId,
      )
    )[0];

  it('stands in the books when the next one starts, and is removed', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    await killedProcess(`
      journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(1)}));
      journal.outcome(${JSON.stringify(batch)}, sent(2, ${contactOf(2)}));
      journal.deferral(${JSON.stringify(batch)}, ${JSON.stringify(putOff(3))});`);
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 2: 'sent' });
    expect(await counts(campaignId)).toMatchObject({ sent: 2, failed: 0 });
    expect(
      await query(
        'select position, attempts, reply from dispatch_deferral where campaign_id = $1',
        campaignId,
      ),
    ).toEqual([{ position: 3, attempts: 1, reply: '451' }]);
    expect(readdirSync(dir)).toEqual([]);
    await enter();
    expect(await counts(campaignId)).toMatchObject({ sent: 2 });
  });

  it('takes the place of what was entered for want of an answer, and of nothing else', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    const enterAs = async (position: number, kind: string) =>
      await query(
        `insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at) values ($1, $2, $3, 1, 'x', $4, now())`,
        campaignId,
        position,
        contactOf(position),
        kind,
      );
    await enterAs(1, 'in_doubt');
    await enterAs(2, 'cancelled');
    await enterAs(3, 'sent');
    await enterAs(4, 'skipped');
    await query(
      `update dispatch_batch set sent = 1, skipped = 1, in_doubt = 1 where campaign_id = $1`,
      campaignId,
    );
    await killedProcess(`
      for (const [position, contact] of ${JSON.stringify([1, 2, 3, 4].map((p) => [p, contactOf(p)]))})
        journal.outcome(${JSON.stringify(batch)}, sent(position, contact, position === 3 ? 'failed' : 'sent'));`);
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 2: 'sent', 3: 'sent', 4: 'skipped' });
    expect(await counts(campaignId)).toMatchObject({ sent: 3, inDoubt: 0 });
  });

  it('does not enter another person at a position of the queue', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    await killedProcess(`journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(2)}));`);
    await enter();
    expect(await books(campaignId)).toEqual({});
  });

  it('is kept where no campaign of it is known here: it belongs to another installation', async () => {
    await killedProcess(`journal.outcome({ campaignId: 'elsewhere-1', batch: 1, lease: 1 }, sent(1, 1));`);
    await enter();
    expect(positions()).toEqual([1]);
  });

  it('leaves in doubt only the message that was out, where nobody may be mailed twice', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign({ first: 1, last: 20 });
    await killedProcess(`
      journal.announced(${JSON.stringify(batch)}, { first: 1, last: 20 });
      journal.begun(${JSON.stringify(batch)}, 1);
      journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(1)}));
      journal.begun(${JSON.stringify(batch)}, 2);`);
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 2: 'in_doubt' });
    expect(await counts(campaignId)).toEqual({ sent: 1, failed: 0, inDoubt: 1, announced: null });
  });

  it('leaves nobody in doubt where it was killed before it heard that its next group was announced', async () => {
    const { campaignId, of: batch } = await takenCampaign({ first: 21, last: 30 });
    await killedProcess(`
      journal.announced(${JSON.stringify(batch)}, { first: 1, last: 20 });
      journal.announced(${JSON.stringify(batch)}, { first: 21, last: 30 });`);
    await enter();
    expect(await books(campaignId)).toEqual({});
    expect(await counts(campaignId)).toMatchObject({ inDoubt: 0, announced: null });
  });

  it('changes nothing about a group that others have settled meanwhile', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign({ first: 1, last: 20 });
    await query('update dispatch_batch set lease = 2 where campaign_id = $1', campaignId);
    await killedProcess(`
      journal.announced(${JSON.stringify(batch)}, { first: 1, last: 20 });
      journal.begun(${JSON.stringify(batch)}, 1);
      journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(1)}));
      journal.begun(${JSON.stringify(batch)}, 2);`);
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent' });
    expect(await counts(campaignId)).toMatchObject({ sent: 1, announced: 1 });
  });

  it('of a process that lives is entered too, and left where it is', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    const journal = new Journal({ dir, server: 'alive', log });
    journal.outcome(batch, sent(1, contactOf(1)));
    await journal.appended();
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent' });
    expect(positions()).toEqual([1]);
    journal.close();
  });
});
