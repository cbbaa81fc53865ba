import { beforeAll, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../../support/newsletter.ts';
import { startWire } from '../../support/wire.ts';

describe('a dispatcher that is frozen in the middle of taking a batch', () => {
  const fixture = useCampaignFixture();
  beforeAll(async () => void (await importRecipients(fixture.installation, 20)));

  test('does not keep another from taking it', async () => {
    const { installation, receiver } = fixture;
    const url = new URL(installation.env['DATABASE_URL'] ?? '');
    const wire = await startWire(url.host);
    url.host = wire.address;
    const first = await installation.startWorker(
      'dedicated-dispatch',
      ['--name', 'first', '--threads', '1'],
      { env: { DATABASE_URL: url.href } },
    );
    let hasTaken = false;
    const taken = wire.fallSilentAt((said) => {
      hasTaken ||= said.includes('insert into dispatch_batch');
      return hasTaken && said.includes('commit');
    });
    const id = await createCampaign(installation);
    await installation.exm(['campaign', 'start', id, '--json']);
    await taken;
    first.freeze();
    try {
      await installation.startWorker('dedicated-dispatch', ['--name', 'second']);
      const watched = await installation.exm(['campaign', 'watch', id, '--json']);
      expect(watched.json()).toMatchObject({ state: 'Sent', totals: { queued: 20, sent: 20 } });
      expect(new Set(receivedBy(receiver)).size).toBe(20);
      expect(receiver.messages).toHaveLength(20);
    } finally {
      await first.kill();
      await wire.close();
    }
  });
});
