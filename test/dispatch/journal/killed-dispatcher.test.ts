import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { answeredReasons } from '../../../src/dispatch/bounce-of.ts';
import { LeftJournals } from '../../../src/dispatch/journal/left-journals.ts';
import { waitFor } from '../../support/wait-for.ts';
import { positions, putOff } from './entries.ts';
import { killedProcess, startedProcess } from './killed-process.ts';
import { log, useLeftBooks } from './left-books.ts';
import { leftFile, sentLine } from './left-file.ts';

const {
  database,
  folder,
  query,
  takenCampaign,
  whileLocked,
  leftJournals,
  isAnyWaiting,
  enter,
  books,
  counts,
} = useLeftBooks();

describe('what a killed dispatcher has left in its journal', () => {
  it('stands in the books when the next one starts, and is removed', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    await killedProcess(
      folder.path,
      `
      journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(1)}));
      journal.outcome(${JSON.stringify(batch)}, sent(2, ${contactOf(2)}));
      journal.deferral(${JSON.stringify(batch)}, ${JSON.stringify(putOff(3))});`,
    );
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 2: 'sent' });
    expect(await counts(campaignId)).toMatchObject({ sent: 2, failed: 0 });
    expect(
      await query(
        'select position, attempts, reply from dispatch_deferral where campaign_id = $1',
        campaignId,
      ),
    ).toEqual([{ position: 3, attempts: 1, reply: '451' }]);
    expect(readdirSync(folder.path)).toEqual([]);
    await enter();
    expect(await counts(campaignId)).toMatchObject({ sent: 2 });
  });

  it('stands in the books soon where nobody starts again: a neighbour looks for it', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign();
    const neighbour = new LeftJournals({ dir: folder.path, db: database.db, server: 'd1', log, own: [] });
    neighbour.watch();
    await killedProcess(folder.path, `journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(1)}));`);
    await waitFor(async () => (await books(campaignId))[1] === 'sent', { describe: 'the outcome' });
    await waitFor(() => readdirSync(folder.path).length === 0, { describe: 'the journal to be removed' });
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
    await killedProcess(
      folder.path,
      `
      for (const [position, contact] of ${JSON.stringify([1, 2, 3, 4].map((p) => [p, contactOf(p)]))})
        journal.outcome(${JSON.stringify(batch)}, sent(position, contact, position === 3 ? 'failed' : 'sent'));`,
    );
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
    await killedProcess(
      folder.path,
      `
      for (const [position, contactId] of ${JSON.stringify([1, 2, 3].map((p) => [p, contactOf(p)]))})
        journal.outcome(${JSON.stringify(batch)}, { position, contactId, at: new Date(), outcome: ${JSON.stringify(outcome)} });`,
    );
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
    await killedProcess(folder.path, `journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(2)}));`);
    await enter();
    expect(await books(campaignId)).toEqual({});
  });

  it('is kept where no campaign of it is known here: it belongs to another installation', async () => {
    await killedProcess(
      folder.path,
      `journal.outcome({ campaignId: 'elsewhere-1', batch: 1, lease: 1 }, sent(1, 1));`,
    );
    await enter();
    expect(positions(folder.path)).toEqual([1]);
  });

  it('leaves in doubt only the message that was out, where nobody may be mailed twice', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign({ first: 1, last: 20 });
    await killedProcess(
      folder.path,
      `
      journal.announced(${JSON.stringify(batch)}, { first: 1, last: 20 });
      journal.begun(${JSON.stringify(batch)}, 1);
      journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(1)}));
      journal.begun(${JSON.stringify(batch)}, 2);`,
    );
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent', 2: 'in_doubt' });
    expect(await counts(campaignId)).toEqual({ sent: 1, failed: 0, inDoubt: 1, announced: null });
  });

  it('leaves nobody in doubt where it was killed before it heard that its next group was announced', async () => {
    const { campaignId, of: batch } = await takenCampaign({ first: 21, last: 30 });
    await killedProcess(
      folder.path,
      `
      journal.announced(${JSON.stringify(batch)}, { first: 1, last: 20 });
      journal.announced(${JSON.stringify(batch)}, { first: 21, last: 30 });`,
    );
    await enter();
    expect(await books(campaignId)).toEqual({});
    expect(await counts(campaignId)).toMatchObject({ inDoubt: 0, announced: null });
  });

  it('changes nothing about a group that others have settled meanwhile', async () => {
    const { campaignId, of: batch, contactOf } = await takenCampaign({ first: 1, last: 20 });
    await query('update dispatch_batch set lease = 2 where campaign_id = $1', campaignId);
    await killedProcess(
      folder.path,
      `
      journal.announced(${JSON.stringify(batch)}, { first: 1, last: 20 });
      journal.begun(${JSON.stringify(batch)}, 1);
      journal.outcome(${JSON.stringify(batch)}, sent(1, ${contactOf(1)}));
      journal.begun(${JSON.stringify(batch)}, 2);`,
    );
    await enter();
    expect(await books(campaignId)).toEqual({ 1: 'sent' });
    expect(await counts(campaignId)).toMatchObject({ sent: 1, announced: 1 });
  });

  it('is read when its process has ended, not before: nothing that it wrote last is lost', async () => {
    const first = await takenCampaign();
    const second = await takenCampaign();
    leftFile(folder.path, '0-a.1', [sentLine(first.campaignId, 1, first.contactOf(1))]);
    const killed = await startedProcess(
      folder.path,
      `
      journal.outcome(${JSON.stringify(second.of)}, sent(1, ${second.contactOf(1)}));
      process.stdin.once('data', async () => {
        journal.outcome(${JSON.stringify(second.of)}, sent(2, ${second.contactOf(2)}));
        await journal.appended();
        console.log('written');
      });`,
    );
    const { entering } = await whileLocked(first.campaignId, async () => {
      const left = leftJournals();
      const entering = left.enter();
      await waitFor(isAnyWaiting, { describe: 'the lock to be waited for' });
      await killed.answerTo('more');
      await killed.kill();
      return { entering };
    });
    await entering;
    expect(await books(second.campaignId)).toEqual({ 1: 'sent', 2: 'sent' });
    expect(readdirSync(folder.path)).toEqual([]);
  });
});
