import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answeredReasons } from '../../src/dispatch/bounce-of.ts';
import { Journal } from '../../src/dispatch/journal.ts';
import { type JournalEntry, parseJournal } from '../../src/dispatch/journal-lines.ts';
import { LeftJournals } from '../../src/dispatch/left-journals.ts';
import { pidNamespace } from '../../src/local/process-identity.ts';
import { createLogger } from '../../src/logging.ts';
import { packagePath } from '../../src/package-path.ts';
import { useTestDatabase } from '../support/database.ts';
import { queuedCampaign } from '../support/dispatch-host.ts';
import { waitFor } from '../support/wait-for.ts';

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
      '{"journal":1,"server":"d1","host":"h","pids":"","process":{"pid":2,"identity":"x"}}',
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
      // The end of a flush that began before says nothing of what the journal has lost since.
      journal.flushSucceeded();
      expect(journal.works).toBe(false);
      journal.announced(of, { first: 201, last: 220 });
      journal.flushBegins();
      journal.begun(of, 201);
      journal.outcome(of, sent(201));
      journal.flushSucceeded();
      expect(journal.works).toBe(true);
      // What that flush did not hold stands in it from the first: it will be taken for a whole one.
      expect(written(small)).toEqual([
        { type: 'begun', ...of, position: 201 },
        { type: 'outcome', ...of, ...sent(201) },
        { type: 'announced', ...of, range: { first: 201, last: 220 } },
      ]);
      journal.close();
    } finally {
      execFileSync('umount', [small]);
    }
  });
});

describe('what a killed dispatcher has left in its journal', () => {
  const database = useTestDatabase();

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
    await (await startedProcess(script)).kill();
  }

  /** Runs a process that writes a journal. */
  async function startedProcess(script: string) {
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
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const closed = new Promise((resolve) => child.once('close', resolve));
    const answer = async () =>
      await new Promise<void>((resolve, reject) => {
        child.stdout.once('data', () => resolve());
        child.once('close', () => reject(new Error('the process ended by itself')));
      });
    await answer();
    return {
      async answerTo(text: string) {
        child.stdin.write(text);
        await answer();
      },
      async kill() {
        child.kill('SIGKILL');
        await closed;
      },
    };
  }

  /** Does something while nobody can enter anything for a campaign. */
  async function whileLocked<Result>(campaignId: string, work: () => Promise<Result>): Promise<Result> {
    return await database.db.transaction(async (tx) => {
      await tx.execute(sql`select from campaign where id = ${campaignId} for update`);
      return await work();
    });
  }

  const leftJournals = () => new LeftJournals({ dir, db: database.db, server: 'd1', log, own: [] });
  const enter = async () => await leftJournals().enter();
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

  it('stands in the books soon where nobody starts again: a neighbour looks for it', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    const neighbour = new LeftJournals({ dir, db: database.db, server: 'd1', log, own: [] });
    neighbour.watch();
    await killedProcess(`journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(1)}));`);
    await waitFor(async () => (await books(campaignId))[1] === 'sent', { describe: 'the outcome' });
    await waitFor(() => readdirSync(dir).length === 0, { describe: 'the journal to be removed' });
    neighbour.stop();
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

  it('is a bounce where a mail server refused, as often as its outcome is entered', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    await query(
      `insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, at)
       values ($1, 2, $2, 1, 'x', 'in_doubt', now()), ($1, 3, $3, 1, 'x', 'failed', now())`,
      campaignId,
      contactOf(2),
      contactOf(3),
    );
    const outcome = {
      kind: 'failed',
      reason: answeredReasons.refused,
      reply: '550 5.1.1 <a@b.example> unknown',
    };
    await killedProcess(`
      for (const [position, contactId] of ${JSON.stringify([1, 2, 3].map((p) => [p, contactOf(p)]))})
        journal.outcome(${JSON.stringify(batch)}, { position, contactId, at: new Date(), outcome: ${JSON.stringify(outcome)} });`);
    await enter();
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'failed', 2: 'failed', 3: 'failed' });
    const bounces = await query(
      'select position, contact_id::int as contact, detail from event_inbox where campaign_id = $1 order by position',
      campaignId,
    );
    const detail = { class: 'hard', status: '5.1.1', text: '550 5.1.1 <…@…> unknown', by: 'smtp-reply' };
    expect(bounces).toEqual([1, 2].map((position) => ({ position, contact: contactOf(position), detail })));
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

  /** Writes a file of a process that has ended, line by line. */
  function leftFile(name: string, lines: readonly unknown[], owner: object = {}): string {
    const head = {
      journal: 1,
      server: 'killed',
      host: hostname(),
      pids: pidNamespace(),
      process: { pid: 2 ** 22 + 1, identity: 'gone' },
      ...owner,
    };
    const path = join(dir, `${name}.journal`);
    writeFileSync(
      path,
      [head, ...lines].map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    );
    return path;
  }
  const sentLine = (campaignId: string, position: number, contactId: number, more: object = {}) => [
    ...['o', campaignId, 1, 1, position, contactId],
    { kind: 'sent', reply: '250 ok', messageId: '<x>', ...more },
    1_700_000_000_000,
  ];

  it('holds up nobody where files are damaged: they are put aside, and what can be read is entered', async () => {
    const { campaignId, contactOf } = await takenCampaign({ first: 1, last: 20 });
    const line = (position: number, more = {}) => sentLine(campaignId, position, contactOf(position), more);
    leftFile('1-a.1', [
      line(1, { reply: '250 a\u0000b' }),
      line(2, { kind: 'eaten' }),
      line(3, { reply: ['an', 'array'] }),
      ['o', `${campaignId}\u0000`, 1, 1, 4, contactOf(4), { kind: 'sent' }, 0],
      ['o', campaignId, 1, 1, 2 ** 40, 1, { kind: 'sent' }, 0],
      ['o', campaignId, 1, 1, 5.5, contactOf(5), { kind: 'sent' }, 0],
      ['o', campaignId, 1, 1, 6, contactOf(6), { kind: 'sent' }, 1e300],
      ['d', campaignId, 1, 1, 7, 1, 0, 1e300, '451'],
      ['a', campaignId, 1, 1, 1, 20],
      '["b", and then nothing that anybody could re',
      line(8),
    ]);
    leftFile('2-b.1', [line(9)], { process: { pid: 'x', identity: 1 } });
    leftFile('3-c.1', ['\0'.repeat(9_000), line(10)], { server: undefined });
    mkdirSync(join(dir, '4-d.1.journal'));
    execFileSync('mkfifo', [join(dir, '5-e.1.journal')]);
    truncateSync(leftFile('6-f.1', [line(12)]), 5 * 2 ** 30);
    leftFile('7-g.1', [line(11)]);
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 8: 'sent', 11: 'sent' });
    // A journal that misses something cannot tell who was not sent to.
    expect(await counts(campaignId)).toMatchObject({ sent: 3, announced: 1 });
    const files = readdirSync(dir).sort();
    expect(files).toEqual([
      '1-a.1.journal.aside',
      '2-b.1.journal.aside',
      '3-c.1.journal.aside',
      '4-d.1.journal',
      '5-e.1.journal',
      '6-f.1.journal.aside',
    ]);
    await enter();
    expect(readdirSync(dir).sort()).toEqual(files);
  });

  it('holds up nobody where the folder itself is gone', async () => {
    rmSync(dir, { recursive: true });
    await enter();
  });

  it('is entered but for what the books refuse for good', async () => {
    const { campaignId, contactOf } = await takenCampaign({ first: 1, last: 20 });
    await query(`
      create function refuse_left() returns trigger language plpgsql as $$
        begin raise exception 'not this one' using errcode = 'check_violation'; end $$;
      create trigger refuse_left before insert on dispatch_outcome for each row
        when (new.campaign_id = '${campaignId}' and (new.position = 2 and new.kind = 'sent' or new.position = 3))
        execute function refuse_left();`);
    leftFile('1-a.1', [
      ['a', campaignId, 1, 1, 1, 20],
      ...[1, 2, 3, 4].map((position) => sentLine(campaignId, position, contactOf(position))),
      ['d', campaignId, 1, 1, 5, 1, 0, 60_000, '451'],
      ['b', campaignId, 1, 1, 6],
    ]);
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 2: 'failed', 4: 'sent', 6: 'in_doubt' });
    expect(await counts(campaignId)).toEqual({ sent: 2, failed: 1, inDoubt: 1, announced: null });
    expect(readdirSync(dir)).toEqual(['1-a.1.journal.aside']);
  });

  it('is read when its process has ended, not before: nothing that it wrote last is lost', async () => {
    const first = await takenCampaign();
    const second = await takenCampaign();
    leftFile('0-a.1', [sentLine(first.campaignId, 1, first.contactOf(1))]);
    const killed = await startedProcess(`
      journal.outcome(${JSON.stringify(second.of)}, sent(1, ${second.contactOf(1)}));
      process.stdin.once('data', async () => {
        journal.outcome(${JSON.stringify(second.of)}, sent(2, ${second.contactOf(2)}));
        await journal.appended();
        console.log('written');
      });`);
    const { entering } = await whileLocked(first.campaignId, async () => {
      const left = leftJournals();
      const entering = left.enter();
      await waitFor(async () => (await query('select from pg_locks where not granted')).length > 0);
      await killed.answerTo('more');
      await killed.kill();
      return { entering };
    });
    await entering;
    expect(await books(second.campaignId)).toEqual({ 1: 'sent', 2: 'sent' });
    expect(readdirSync(dir)).toEqual([]);
  });

  it('is read anew for whoever asks while others are at it', async () => {
    const first = await takenCampaign();
    const second = await takenCampaign();
    leftFile('1-a.1', [sentLine(first.campaignId, 1, first.contactOf(1))]);
    const { later } = await whileLocked(first.campaignId, async () => {
      const left = leftJournals();
      void left.enter();
      await waitFor(async () => (await query('select from pg_locks where not granted')).length > 0);
      leftFile('0-b.1', [sentLine(second.campaignId, 1, second.contactOf(1))]);
      return { later: Promise.all([left.enter(), left.enter()]) };
    });
    await later;
    expect(await books(second.campaignId)).toEqual({ 1: 'sent' });
  });

  it('of a container that lives is not taken for a dead one, though it has the same host name', async () => {
    const { campaignId, contactOf } = await takenCampaign({ first: 1, last: 20 });
    await query(
      `insert into server (name, role, host, pid) values ('beside', 'dedicated-dispatch', $1, 1)`,
      hostname(),
    );
    const lines = [['a', campaignId, 1, 1, 1, 20], sentLine(campaignId, 1, contactOf(1))];
    const elsewhere = { pids: 'pid:[1]', process: { pid: 1, identity: 'x' } };
    leftFile('1-a.1', lines, { server: 'beside', ...elsewhere });
    leftFile('1-b.1', [], { server: 'ended', ...elsewhere });
    leftFile('1-c.1', [], { server: 'd1', ...elsewhere });
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent' });
    expect(await counts(campaignId)).toMatchObject({ announced: 1 });
    expect(readdirSync(dir)).toEqual(['1-a.1.journal']);
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
