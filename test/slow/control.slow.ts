import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { useDispatchers } from '../support/dispatchers.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { pauseSilently } from '../support/silently.ts';
import { waitFor } from '../support/wait-for.ts';

const sleepMs = 100;
const hosts = useDispatchers({ count: 4, threads: 2, sleepMs });

const exm = async (...args: string[]) => (await hosts.installation.exm([...args, '--json'])).json();
const counts = () => hosts.all.map(({ receiver }) => receiver.messages.length);

/** Waits until each of them has sent more than it had. */
const untilAllSend = async () => {
  const before = counts();
  await waitFor(() => counts().every((count, index) => count > (before[index] ?? 0)), {
    describe: 'every dispatcher to send',
  });
};

const expectSilence = async () => {
  const before = counts();
  await pause(2_000);
  expect(counts()).toEqual(before);
};

test('pause, resume, Sleep and cancel reach every dispatcher', async () => {
  await importRecipients(hosts.installation, 20_000);
  const id = await createCampaign(hosts.installation);
  await exm('campaign', 'start', id);
  await untilAllSend();
  for (let round = 0; round < 2; round++) {
    const paused = await pauseSilently(
      async () => await exm('campaign', 'pause', id),
      async () => await exm('campaign', 'resume', id),
    );
    expect(paused).toMatchObject({ inForce: true, silent: true });
    await expectSilence();
    expect(await exm('campaign', 'resume', id)).toMatchObject({ inForce: true });
    await untilAllSend();
  }
  await hosts.sleep(600_000);
  // Each thread may have been given its batch just now: its first message comes before its first Sleep.
  await waitFor(
    async () => {
      const before = counts();
      await pause(1_000);
      return counts().every((count, index) => count === before[index]);
    },
    { describe: 'every thread to sleep' },
  );
  await expectSilence();
  await hosts.sleep(sleepMs);
  await untilAllSend();
  expect(await exm('campaign', 'cancel', id)).toMatchObject({ inForce: true });
  const watched = await exm('campaign', 'watch', id);
  const sent = hosts.messages().length;
  expect(watched).toMatchObject({ state: 'Inactive', totals: { sent, cancelled: 20_000 - sent } });
  expect(new Set(hosts.messages().flatMap(({ to }) => to)).size).toBe(sent);
  await expectSilence();
});
