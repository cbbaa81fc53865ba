import { afterAll, beforeAll, expect } from 'vitest';
import { campaignStatus } from '../../../src/campaigns/campaign-status.ts';
import { startCampaign } from '../../../src/client/client.ts';
import { createOne } from '../../chaos/campaign.ts';
import { ChaosInstallation } from '../../chaos/installation.ts';
import { type Arrival, MailReceiver } from '../../chaos/mail-receiver.ts';
import { judge } from '../../chaos/oracle.ts';
import { People } from '../../chaos/people.ts';
import { readBooks } from '../../chaos/read-books.ts';
import { setSleep } from '../../chaos/set-sleep.ts';
import { Random } from '../../support/random.ts';
import { waitFor } from '../../support/wait-for.ts';

export interface FaultyInstallation {
  readonly installation: ChaosInstallation;
  readonly receiver: MailReceiver;
  /** Starts a campaign to that many, one of the sizes of the lists, by dispatchers that sleep so long. */
  start(recipients: number, sleepMs: number): Promise<StartedCampaign>;
}

export interface StartedCampaign {
  readonly id: string;
  arrivals(): Arrival[];
  /** Waits until so many of its messages were received. */
  received(count: number): Promise<void>;
  /** Waits until it has ended by itself, and expects that nobody is missing. @returns how many messages were repeated */
  repeated(): Promise<number>;
}

/** `exm up` with two dispatchers, and a mail server that records what it gets, for all tests of a file. */
export function useFaultyInstallation(): FaultyInstallation {
  let installation: ChaosInstallation | undefined;
  let receiver: MailReceiver | undefined;
  let started = 0;
  const there = <T>(part: T | undefined): T => {
    if (part === undefined) throw new Error('it has not been started');
    return part;
  };
  beforeAll(async () => {
    receiver = await MailReceiver.start(new Random(0));
    installation = await ChaosInstallation.start(receiver.url, 2);
    await installation.renewLists();
  });
  afterAll(async () => {
    await installation?.stop(false);
    await receiver?.stop();
  });
  return {
    get installation() {
      return there(installation);
    },
    get receiver() {
      return there(receiver);
    },
    async start(recipients, sleepMs) {
      const { db, dispatchers, clients, queuePrefix } = there(installation);
      const { arrivals } = there(receiver);
      await setSleep(db, dispatchers, sleepMs);
      const { id, from } = await createOne({ db }, `faults-${++started}`, {
        size: recipients,
        atMostOnce: false,
      });
      await startCampaign(there(clients[0]), id, { queuePrefix });
      const own = () => arrivals.filter((arrival) => arrival.from === from);
      return {
        id,
        arrivals: own,
        async received(count) {
          await waitFor(() => own().length >= count, {
            timeoutMs: 300_000,
            describe: () => `${count} messages; ${own().length} were received`,
          });
        },
        async repeated() {
          await waitFor(async () => (await campaignStatus(db, id)).finished, {
            timeoutMs: 300_000,
            intervalMs: 200,
            describe: 'the campaign to end',
          });
          const { broken, missing, repeated, sent } = judge(await readBooks(db, id, new People()), own(), {
            ends: ['Sent'],
            atMostOnce: false,
          });
          expect({ broken, missing, sent }).toEqual({ broken: [], missing: 0, sent: recipients });
          return repeated;
        },
      };
    },
  };
}
