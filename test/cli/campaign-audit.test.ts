import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contact, dispatchDeferral } from '../../src/db/schema.ts';
import { packagePath } from '../../src/package-path.ts';
import { insertCampaign, insertOutcomes, insertRichCampaign, range } from '../reporting/sample-campaign.ts';
import { createInstallation, type Installation } from '../support/installation.ts';

let installation: Installation;
beforeAll(async () => {
  installation = await createInstallation();
  const { db } = installation.database;
  await insertRichCampaign(db, 'autumn-7k3f');
  const at = new Date('2026-09-01T08:00:20Z');
  await db.insert(dispatchDeferral).values(
    [901, 902, 903].map((position) => ({
      campaignId: 'autumn-7k3f',
      position,
      attempts: 2,
      firstAt: at,
      dueAt: new Date(position === 901 ? '2026-09-01T08:00:30Z' : '2100-01-01T00:00:00Z'),
      reply: '451 4.7.1 greylisted',
    })),
  );
});
afterAll(async () => {
  await installation.dispose();
});

const audit = async (...args: string[]) => await installation.exm(['campaign', 'audit', ...args]);

describe('exm campaign audit', () => {
  it('prints the books, who is put off, the servers, the batches, the audit trail, and who is in doubt', async () => {
    const { code, stdout } = await audit('autumn-7k3f');
    expect(code).toBe(0);
    for (const part of [
      /^Autumn <b>& friends<\/b> \(autumn-7k3f\) is Sending$/m,
      /^queued +1000\n= sent +870\n\+ failed +10\n {4}550 5.1.1 .* +10\n\+ skipped +15\n {4}global-opt-out +15\n\+ cancelled +0\n\+ in doubt +5\n {4}connection lost after the message +5\n\+ remaining +100$/m,
      /^No difference so far: 100 of 1000 have no outcome yet\./m,
      /^On the lists, but not queued:\n {2}duplicate-address +41\n {2}global-opt-out +12\n {2}undelivered-maximum +3$/m,
      /^Put off by their mail servers: 3 of the remaining\. Tried again: 1 of them now, the next at 2100-01-01 00:00:00, in \d+ d.*\n {2}451 4\.7\.1 greylisted +3$/m,
      /^mta-1 +700 +10 +0 +0 +alive\nmta-2 +170 +0 +15 +5 +dead$/m,
      /^Batches: 0 ended, 2 in hand:$/m,
      /^\S+ \S+ {2}exm {2}dispatch: go → pause\n {21}batch 7: the mail server refuses news@example\.com$/m,
      /^In doubt: 5 recipients, .*\n 896 {2}2026-09-01 08:00:10 {2}mta-2 {2}contact 896, erased since {2}connection lost after the message$/m,
    ])
      expect(stdout).toMatch(part);
  });

  it('has the same as one JSON object', async () => {
    const { code, json } = await audit('autumn-7k3f', '--json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      id: 'autumn-7k3f',
      state: 'Sending',
      totals: { queued: 1000, sent: 870, inDoubt: 5, remaining: 100 },
      balanced: false,
      differences: [],
      inDoubtByReason: { 'connection lost after the message': 5 },
      deferred: { count: 3, dueNow: 1, nextAt: '2100-01-01T00:00:00.000Z' },
      batches: { taken: 2, ended: 0 },
      trail: [{ actor: 'ann' }, { actor: 'exm' }, { what: 'dispatch', to: 'pause' }],
    });
    expect(json().inDoubt.map((one: { position: number }) => one.position)).toEqual(range(896, 900));
    expect(json().inDoubt[0]).toEqual({
      position: 896,
      contactId: 896,
      email: null,
      batch: 2,
      server: 'mta-2',
      at: '2026-09-01T08:00:10.000Z',
      reason: 'connection lost after the message',
    });
  });

  it('ends with 1 where the campaign has ended and its books do not balance, and says how', async () => {
    const { db } = installation.database;
    await insertCampaign(db, 'wrong-0000', 20, { state: 'Sent', subState: 'None' });
    await insertOutcomes(
      db,
      'wrong-0000',
      1,
      range(1, 20).map((position) => ({ position, kind: 'sent' as const })),
    );
    expect((await audit('wrong-0000')).stdout).toContain(
      '\n\nThe books balance: each of the 20 queued has exactly one outcome.\n\n',
    );
    await db.execute(
      sql`delete from dispatch_outcome where campaign_id = 'wrong-0000' and position in (3, 4)`,
    );
    await db.execute(sql`delete from dispatch_queue where campaign_id = 'wrong-0000' and position = 7`);
    const { code, stdout } = await audit('wrong-0000');
    expect(code).toBe(1);
    expect(stdout).toContain(`The books do NOT balance:
  - 2 recipients have no outcome (positions 3 and 4)
  - 1 outcome is of a position that is not queued (position 7)
  - 1 row of the queue is missing (position 7)
`);
    const { code: again, json } = await audit('wrong-0000', '--json');
    expect(again).toBe(1);
    expect(json()).toMatchObject({
      balanced: false,
      differences: [
        { kind: 'no-outcome', count: 2, positions: [3, 4] },
        { kind: 'outcome-not-queued', count: 1 },
        { kind: 'queue-row-missing', text: '1 row of the queue is missing (position 7)' },
      ],
    });
  });

  it('says of a Draft that nobody has been queued, and ends with 2 where there is no such campaign', async () => {
    await insertCampaign(installation.database.db, 'draft-0000', 0, {
      state: 'Draft',
      subState: 'None',
      queued: null,
      startedAt: null,
    });
    expect(await audit('draft-0000')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('\n\nNobody has been queued yet.\n'),
    });
    const unknown = await audit('nobody-0000', '--json');
    expect({ exit: unknown.code, code: unknown.json().error.code }).toEqual({
      exit: 2,
      code: 'CAMPAIGN_UNKNOWN',
    });
  });

  describe('with more in doubt than are read at a time', () => {
    const count = 30_000;
    beforeAll(async () => {
      const { db } = installation.database;
      await insertCampaign(db, 'doubt-0000', 0, { queued: count, state: 'Sent', subState: 'None' });
      await db.execute(sql`
        insert into dispatch_queue (campaign_id, position, contact_id, language)
        select 'doubt-0000', n, 100000 + n, 'en' from generate_series(1, ${count}) n`);
      await db.execute(sql`
        insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, reason, at)
        select 'doubt-0000', n, 100000 + n, 1, 'mta-1', 'in_doubt', 'the process ended', now()
          from generate_series(1, ${count}) n`);
      const [first] = await db
        .insert(contact)
        .values({ email: 'Ann\u001b[2J@example.com', emailKey: 'ann@example.com' })
        .returning();
      await db.execute(sql`
        update dispatch_outcome set contact_id = ${first?.id} where campaign_id = 'doubt-0000' and position = 1`);
      await db.execute(sql`
        update dispatch_queue set contact_id = ${first?.id} where campaign_id = 'doubt-0000' and position = 1`);
    });

    it('lists them all, in order, in both forms', async () => {
      const { code, stdout } = await audit('doubt-0000');
      expect(code).toBe(0);
      const lines = stdout.slice(stdout.indexOf('\nIn doubt: ')).trim().split('\n').slice(1);
      expect(lines.map((line) => Number(line.slice(0, 5)))).toEqual(range(1, count));
      expect(lines[0]).toMatch(/ mta-1 {2}Ann�\[2J@example\.com {2}the process ended$/);
      const { inDoubt } = (await audit('doubt-0000', '--json')).json();
      expect(inDoubt.map((one: { position: number }) => one.position)).toEqual(range(1, count));
    });

    it('ends without an error where nobody reads on', async () => {
      const child = spawn(process.execPath, [packagePath('bin/exm.js'), 'campaign', 'audit', 'doubt-0000'], {
        env: { ...process.env, ...installation.env },
        cwd: installation.dir,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      await once(child.stdout, 'data');
      child.stdout.destroy();
      const [code] = await once(child, 'close');
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    });
  });
});

describe('exm campaign audience', () => {
  it('of a campaign that is queued prints what was stored then, and the same as JSON', async () => {
    const { code, stdout } = await installation.exm(['campaign', 'audience', 'autumn-7k3f']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^It was queued for 1,000 people.* This is what was stored then\.\n\nmemberships +1056\n= queued +1000\n\+ global-opt-out +12\n/m,
    );
    const { json } = await installation.exm(['campaign', 'audience', 'autumn-7k3f', '--json']);
    expect(json()).toMatchObject({
      id: 'autumn-7k3f',
      basis: 'queued',
      memberships: 1056,
      queued: 1000,
      lists: null,
    });
  });

  it('of one that is not known is refused', async () => {
    const { code, stderr } = await installation.exm(['campaign', 'audience', 'nothing-0000']);
    expect(code).toBe(2);
    expect(stderr).toContain('CAMPAIGN_UNKNOWN');
  });
});
