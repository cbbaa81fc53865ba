import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { repeatsOfLostDispatcher, slotsPerDispatcher } from '../../chaos/faults/bounds.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useFaultyInstallation } from './faulty-installation.ts';

const recipients = 2_500;
const sleepMs = 20;

describe('a dispatcher that is frozen past its lease while another takes over', () => {
  const faulty = useFaultyInstallation();

  test('writes nothing more when it goes on, and sends no more than what was on the wire', async () => {
    const campaign = await faulty.start(recipients, sleepMs);
    await campaign.received(800);
    const { parts, db, up } = faulty.installation;
    const thaw = parts.freeze('dispatch-1');
    if (thaw === undefined) throw new Error('dispatch-1 does not run');
    const frozenAt = new Date();
    const ledger = async () =>
      (
        await db.execute<{ position: number; server: string; at: string }>(sql`
          select position, server, at from dispatch_outcome where campaign_id = ${campaign.id} order by position`)
      ).rows;
    try {
      expect(await campaign.repeated()).toBeLessThanOrEqual(repeatsOfLostDispatcher);
      const before = await ledger();
      const late = before.filter(({ server, at }) => server === 'dispatch-1' && new Date(at) > frozenAt);
      expect(late).toEqual([]);
      const received = campaign.arrivals().length;
      thaw();
      // What it still has to say it says with its first flush, which is refused.
      const log = join(up.announced.dataDir, 'logs', 'dispatch-1.log');
      await waitFor(() => /in other hands/.test(readFileSync(log, 'utf8')), {
        describe: 'dispatch-1 to notice',
      });
      await pause(2_000);
      expect(await ledger()).toEqual(before);
      expect(campaign.arrivals().length - received).toBeLessThanOrEqual(slotsPerDispatcher);
      expect(await campaign.repeated()).toBeLessThanOrEqual(repeatsOfLostDispatcher);
    } finally {
      thaw();
    }
  });
});
