import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { messagesWithoutDatabase, repeatsOfLostDispatcher } from '../../chaos/faults/bounds.ts';
import { waitFor } from '../../support/wait-for.ts';
import { useFaultyInstallation } from './faulty-installation.ts';

const recipients = 4_000;
const sleepMs = 20;

describe('a campaign in the middle of which processes are killed ends by itself, with nobody missing', () => {
  const faulty = useFaultyInstallation();

  const kill = async (name: string) => {
    const { parts } = faulty.installation;
    await waitFor(() => parts.signal(name, 'SIGKILL'), { describe: `${name} to run` });
  };

  test('kill -9 of a dispatcher, again and again until it ends: repeats at the most the message of each slot', async () => {
    const campaign = await faulty.start(recipients, sleepMs);
    const [first = '', second = ''] = faulty.installation.dispatchers;
    let kills = 0;
    for (let after = 300; after < recipients; after += 600) {
      await campaign.received(after);
      await kill(kills % 2 === 0 ? first : second);
      kills++;
    }
    expect(await campaign.repeated()).toBeLessThanOrEqual(repeatsOfLostDispatcher * kills);
  });

  test('a dispatcher is lost with its journal: repeats at the most what one flush had not recorded', async () => {
    const { parts, dispatchers, dataDir } = faulty.installation;
    const dispatcher = dispatchers[0] ?? '';
    const journals = () =>
      readdirSync(join(dataDir, 'journal')).filter((name) => name.startsWith(`${parts.pid(dispatcher)}-`));
    // What was killed before may be starting still.
    await waitFor(() => journals().length === 2, { describe: 'the two files of its journal' });
    const campaign = await faulty.start(recipients, sleepMs);
    await campaign.received(1_000);
    // While it stands still nobody takes its journal for one that was left.
    parts.signal(dispatcher, 'SIGSTOP');
    expect(journals()).toHaveLength(2);
    for (const name of journals()) rmSync(join(dataDir, 'journal', name));
    await kill(dispatcher);
    expect(await campaign.repeated()).toBeLessThanOrEqual(messagesWithoutDatabase(1, sleepMs));
  });

  test('kill -9 of all workers at once: repeats at the most the message of each slot', async () => {
    const campaign = await faulty.start(recipients, sleepMs);
    await campaign.received(1_000);
    const { parts, dispatchers } = faulty.installation;
    for (const name of parts.names()) {
      if (name !== 'postgres' && name !== 'temporal') parts.signal(name, 'SIGKILL');
    }
    expect(await campaign.repeated()).toBeLessThanOrEqual(repeatsOfLostDispatcher * dispatchers.length);
  });

  test.each(['primary', 'temporal', 'postgres'])('kill -9 of %s: repeats nobody', async (name) => {
    const campaign = await faulty.start(recipients, sleepMs);
    for (const after of [500, 2_500]) {
      await campaign.received(after);
      await kill(name);
    }
    expect(await campaign.repeated()).toBe(0);
  });
});
