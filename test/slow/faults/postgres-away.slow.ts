import { describe, expect, test } from 'vitest';
import { messagesWithoutDatabase } from '../../chaos/faults/bounds.ts';
import { useFaultyInstallation } from './faulty-installation.ts';
import { takeAway, waysToBeAway } from './server-away.ts';

const recipients = 2_500;
/** So long that what is sent in a flush and what is sent in a second differ clearly. */
const sleepMs = 100;
const awayMs = 60_000;

describe('a campaign whose PostgreSQL is away for a minute', () => {
  const faulty = useFaultyInstallation();

  test.each(waysToBeAway)(
    '%s: sends next to nothing meanwhile, then goes on and misses and repeats nobody',
    async (way) => {
      const campaign = await faulty.start(recipients, sleepMs);
      await campaign.received(800);
      const { from, to } = await takeAway(faulty.installation, 'postgres', way, awayMs);
      const during = campaign.arrivals().filter(({ begunAt }) => begunAt > from && begunAt < to).length;
      expect(during).toBeLessThanOrEqual(
        messagesWithoutDatabase(faulty.installation.dispatchers.length, sleepMs),
      );
      expect(await campaign.repeated()).toBe(0);
      // Of what happened meanwhile it is as sure as of everything else.
      expect(campaign.arrivals()).toHaveLength(recipients);
    },
  );
});
