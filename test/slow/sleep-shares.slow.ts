import { beforeAll, describe, expect, test } from 'vitest';
import { useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';

/** EXM's documented example: servers that sleep 200 ms and 50 ms share 1,000 messages about 20 % to 80 %. */
describe('two dispatchers of unlike Sleep, one thread each', () => {
  const fixture = useCampaignFixture();

  beforeAll(async () => {
    await Promise.all([
      fixture.installation.startWorker('dedicated-dispatch', [
        '--name',
        'slow',
        '--sleep-ms',
        '200',
        '--threads',
        '1',
      ]),
      fixture.installation.startWorker('dedicated-dispatch', [
        '--name',
        'fast',
        '--sleep-ms',
        '50',
        '--threads',
        '1',
      ]),
    ]);
  });

  test('share 1,000 messages about 20 % to 80 %', async () => {
    const { installation } = fixture;
    await importRecipients(installation, 1_000);
    const id = await createCampaign(installation);
    const started = await installation.exm(['campaign', 'start', id, '--watch', '--json']);
    const { state, totals, servers } = started.json();
    expect({ state, totals }).toMatchObject({ state: 'Sent', totals: { queued: 1_000, sent: 1_000 } });
    const slow = (servers as { name: string; sent: number }[]).find(({ name }) => name === 'slow')?.sent ?? 0;
    // Milliseconds from one message to the next: the Sleep, and what sending takes on this machine.
    const { rows } = await installation.database.db.$client.query<{ server: string; gap: number }>(
      `select server, percentile_cont(0.5) within group (order by gap) as gap
         from (select server, extract(epoch from at - lag(at) over (partition by server order by at)) * 1000 as gap
                 from dispatch_outcome where campaign_id = $1) gaps
        group by server`,
      [id],
    );
    const { slow: slowGap = 0, fast: fastGap = 0 } = Object.fromEntries(
      rows.map(({ server, gap }) => [server, Number(gap)]),
    );
    expect(slowGap).toBeGreaterThanOrEqual(200);
    expect(fastGap).toBeGreaterThanOrEqual(50);
    // 200 where sending takes no time. A batch is not divided: about, not exactly.
    const expected = (1_000 * fastGap) / (fastGap + slowGap);
    expect(slow).toBeGreaterThan(expected - 80);
    expect(slow).toBeLessThan(expected + 90);
  });
});
