import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { receivedBy, useCampaignFixture } from '../support/campaign-fixture.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { waitFor } from '../support/wait-for.ts';

/** Half way it waits while there is a file `hold`, and throws where there is a file `throw`. */
const config = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineConfig } from 'exm-dispatch';

const here = ${JSON.stringify('DIR')};
export default defineConfig({
  dispatchManager: {
    async *recipients({ id }) {
      const addresses = JSON.parse(readFileSync(join(here, 'addresses.json'), 'utf8'));
      for (const [i, email] of addresses.entries()) {
        if (i === addresses.length / 2) {
          appendFileSync(join(here, 'half-' + id), 'x');
          while (existsSync(join(here, 'hold'))) await sleep(50);
          if (existsSync(join(here, 'throw'))) throw new Error('the shop does not answer');
        }
        yield { email };
      }
    },
  },
  settings: { dispatchEnqueueBatchSize: 50 },
});
`;

describe('a campaign whose DispatchManager is interrupted', () => {
  const fixture = useCampaignFixture({
    prepare: ({ dir }) => writeFileSync(join(dir, 'exm.config.ts'), config.replace('DIR', dir)),
  });
  const file = (name: string) => join(fixture.installation.dir, name);
  const timesHalf = (id: string) =>
    existsSync(file(`half-${id}`)) ? readFileSync(file(`half-${id}`), 'utf8').length : 0;
  const result = async (id: string) =>
    (await fixture.installation.exm(['campaign', 'watch', id, '--json'])).json();
  let addresses: string[];

  beforeAll(async () => {
    const { installation } = fixture;
    addresses = await importRecipients(installation, 400);
    writeFileSync(file('addresses.json'), JSON.stringify(addresses));
    await installation.startWorker('dedicated-dispatch', [
      '--name',
      'd1',
      '--sleep-ms',
      '0',
      '--threads',
      '4',
    ]);
  });
  beforeEach(() => {
    fixture.receiver.messages.length = 0;
    for (const name of ['hold', 'throw']) rmSync(file(name), { force: true });
  });

  async function start(): Promise<string> {
    const id = await createCampaign(fixture.installation);
    expect((await fixture.installation.exm(['campaign', 'start', id, '--json'])).code).toBe(0);
    return id;
  }

  test('by its own error is held with it, and goes on from the start when it is resumed', async () => {
    const { installation, receiver } = fixture;
    writeFileSync(file('throw'), '');
    const id = await start();
    const status = await waitFor(async () => {
      const { subState, reason, totals } = (
        await installation.exm(['campaign', 'status', id, '--json'])
      ).json();
      return subState === 'Paused' ? { reason, totals } : undefined;
    });
    expect(status).toMatchObject({
      reason: expect.stringContaining('QueueMessage: The DispatchManager threw: the shop does not answer'),
      totals: { queued: 0 },
    });
    rmSync(file('throw'));
    expect((await installation.exm(['campaign', 'resume', id, '--json'])).code).toBe(0);
    expect(await result(id)).toMatchObject({ state: 'Sent', totals: { queued: 400, sent: 400 } });
    expect(receivedBy(receiver)).toEqual([...addresses].sort());
    expect(timesHalf(id)).toBe(2);
  });

  test('by a cancel ends with nobody queued', async () => {
    const { installation, receiver } = fixture;
    writeFileSync(file('hold'), '');
    const id = await start();
    await waitFor(() => timesHalf(id) === 1);
    expect((await installation.exm(['campaign', 'cancel', id, '--json'])).code).toBe(0);
    expect(await result(id)).toMatchObject({ state: 'Inactive', totals: { queued: 0, sent: 0 } });
    expect(receiver.messages).toEqual([]);
  });

  test('by the death of the primary is sent to everybody once', async () => {
    const { installation, receiver, primary } = fixture;
    writeFileSync(file('hold'), '');
    const id = await start();
    await waitFor(() => timesHalf(id) === 1);
    await primary.kill();
    rmSync(file('hold'));
    await installation.startWorker('primary', ['--no-dispatch', '--name', 'second']);
    expect(await result(id)).toMatchObject({ state: 'Sent', totals: { queued: 400, sent: 400 } });
    expect(receivedBy(receiver)).toEqual([...addresses].sort());
    expect(timesHalf(id)).toBe(2);
  });
});
