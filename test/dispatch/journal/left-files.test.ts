import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Journal } from '../../../src/dispatch/journal/journal.ts';
import { waitFor } from '../../support/wait-for.ts';
import { positions, sent } from './entries.ts';
import { log, useLeftBooks } from './left-books.ts';
import { leftFile, sentLine } from './left-file.ts';

const { folder, query, takenCampaign, whileLocked, leftJournals, isAnyWaiting, enter, books, counts } =
  useLeftBooks();

describe('what stands in the folder of journals', () => {
  it('holds up nobody where files are damaged: they are put aside, and what can be read is entered', async () => {
    const { campaignId, contactOf } = await takenCampaign({ first: 1, last: 20 });
    const line = (position: number, more = {}) => sentLine(campaignId, position, contactOf(position), more);
    leftFile(folder.path, '1-a.1', [
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
    leftFile(folder.path, '2-b.1', [line(9)], { process: { pid: 'x', identity: 1 } });
    leftFile(folder.path, '3-c.1', ['\0'.repeat(9_000), line(10)], { server: undefined });
    mkdirSync(join(folder.path, '4-d.1.journal'));
    execFileSync('mkfifo', [join(folder.path, '5-e.1.journal')]);
    truncateSync(leftFile(folder.path, '6-f.1', [line(12)]), 5 * 2 ** 30);
    leftFile(folder.path, '7-g.1', [line(11)]);
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 8: 'sent', 11: 'sent' });
    // A journal that misses something cannot tell who was not sent to.
    expect(await counts(campaignId)).toMatchObject({ sent: 3, announced: 1 });
    const files = readdirSync(folder.path).sort();
    expect(files).toEqual([
      '1-a.1.journal.aside',
      '2-b.1.journal.aside',
      '3-c.1.journal.aside',
      '4-d.1.journal',
      '5-e.1.journal',
      '6-f.1.journal.aside',
    ]);
    await enter();
    expect(readdirSync(folder.path).sort()).toEqual(files);
  });

  it('holds up nobody where the folder itself is gone', async () => {
    rmSync(folder.path, { recursive: true });
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
    leftFile(folder.path, '1-a.1', [
      ['a', campaignId, 1, 1, 1, 20],
      ...[1, 2, 3, 4].map((position) => sentLine(campaignId, position, contactOf(position))),
      ['d', campaignId, 1, 1, 5, 1, 0, 60_000, '451'],
      ['b', campaignId, 1, 1, 6],
    ]);
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 2: 'failed', 4: 'sent', 6: 'in_doubt' });
    expect(await counts(campaignId)).toEqual({ sent: 2, failed: 1, inDoubt: 1, announced: null });
    expect(readdirSync(folder.path)).toEqual(['1-a.1.journal.aside']);
  });

  it('is read anew for whoever asks while others are at it', async () => {
    const first = await takenCampaign();
    const second = await takenCampaign();
    leftFile(folder.path, '1-a.1', [sentLine(first.campaignId, 1, first.contactOf(1))]);
    const { later } = await whileLocked(first.campaignId, async () => {
      const left = leftJournals();
      void left.enter();
      await waitFor(isAnyWaiting, { describe: 'the lock to be waited for' });
      leftFile(folder.path, '0-b.1', [sentLine(second.campaignId, 1, second.contactOf(1))]);
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
    leftFile(folder.path, '1-a.1', lines, { server: 'beside', ...elsewhere });
    leftFile(folder.path, '1-b.1', [], { server: 'ended', ...elsewhere });
    leftFile(folder.path, '1-c.1', [], { server: 'd1', ...elsewhere });
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent' });
    expect(await counts(campaignId)).toMatchObject({ announced: 1 });
    expect(readdirSync(folder.path)).toEqual(['1-a.1.journal']);
  });

  it('of a process that lives is entered too, and left where it is', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    const journal = new Journal({ dir: folder.path, server: 'alive', log });
    journal.outcome(batch, sent(1, contactOf(1)));
    await journal.appended();
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent' });
    expect(positions(folder.path)).toEqual([1]);
    journal.close();
  });
});
