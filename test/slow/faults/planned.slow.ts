import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { pauseCampaign, resumeCampaign } from '../../../src/client/client.ts';
import { pauseSilently } from '../../support/silently.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useFaultyInstallation } from './faulty-installation.ts';

const recipients = 4_000;
const sleepMs = 20;

describe('what is planned misses nobody and repeats nobody', () => {
  const faulty = useFaultyInstallation();

  test('ten times pause and resume: a campaign that is paused and silent sends nothing', async () => {
    const campaign = await faulty.start(recipients, sleepMs);
    const [client] = faulty.installation.clients;
    if (client === undefined) throw new Error('no client');
    for (let after = 200; after <= 2_000; after += 200) {
      await campaign.received(after);
      const paused = await pauseSilently(
        async () => await pauseCampaign(client, campaign.id),
        async () => await resumeCampaign(client, campaign.id),
      );
      expect(paused).toEqual({ accepted: true, silent: true });
      const received = campaign.arrivals().length;
      await pause(500);
      expect(campaign.arrivals()).toHaveLength(received);
      expect(await resumeCampaign(client, campaign.id)).toMatchObject({ accepted: true });
    }
    expect(await campaign.repeated()).toBe(0);
  });

  test('SIGTERM to every worker, one after the other', async () => {
    const campaign = await faulty.start(recipients, sleepMs);
    const { parts } = faulty.installation;
    await campaign.received(300);
    const workers = parts.names().filter((name) => name !== 'postgres' && name !== 'temporal');
    expect(workers).toEqual(expect.arrayContaining(['primary', 'dispatch-1', 'dispatch-2']));
    for (const name of workers) {
      const before = parts.pid(name);
      parts.signal(name, 'SIGTERM');
      await waitFor(() => ![before, undefined].includes(parts.pid(name)), {
        describe: `${name} to be started again`,
      });
    }
    expect(await campaign.repeated()).toBe(0);
  });
});
