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
    // Sending takes a few milliseconds beside the Sleep, and a batch is not divided: about, not exactly.
    expect(slow).toBeGreaterThan(120);
    expect(slow).toBeLessThan(290);
  });
});
