import { describe, expect, test } from 'vitest';
import { useFaultyInstallation } from './faulty-installation.ts';
import { takeAway, waysToBeAway } from './server-away.ts';

const recipients = 4_000;
const sleepMs = 50;
const awayMs = 60_000;

describe('a campaign whose Temporal is away for a minute', () => {
  const faulty = useFaultyInstallation();

  test.each(waysToBeAway)('%s: goes on, misses nobody and repeats nobody', async (way) => {
    const campaign = await faulty.start(recipients, sleepMs);
    await campaign.received(800);
    await takeAway(faulty.installation, 'temporal', way, awayMs);
    expect(await campaign.repeated()).toBe(0);
  });
});
