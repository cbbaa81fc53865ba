import { expect, test } from 'vitest';
import { MailServerWatch } from '../../workers/mail-server-watch.ts';
import { startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

test('what was heard last is what is written last, however long a write takes', async () => {
  const written: string[] = [];
  const ends: (() => void)[] = [];
  const watch = new MailServerWatch(undefined, async (health) => {
    await new Promise<void>((resolve) => ends.push(resolve));
    written.push(health);
  });
  watch.heard('gone');
  watch.heard('still gone');
  watch.heard('ok');
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await waitFor(() => ends.length === 2);
  ends[1]?.();
  await waitFor(() => written.length === 2);
  expect(written).toEqual(['gone', 'ok']);
  watch.stop();
});

test('nothing is looked at before it is started, and nothing is written after it is stopped', async () => {
  const receiver = await startSmtpReceiver();
  await receiver.close();
  const written: string[] = [];
  const watch = new MailServerWatch(receiver.url, async (health) => void written.push(health));
  expect(written).toEqual([]);
  watch.start();
  await waitFor(() => written.length > 0);
  expect(written[0]).not.toBe('ok');
  watch.stop();
  watch.heard('ok');
  expect(written).toHaveLength(1);
});

test('a write that failed is tried again with the next word', async () => {
  let isAway = true;
  const written: string[] = [];
  const watch = new MailServerWatch(undefined, async (health) => {
    if (isAway) throw new Error('the database is away');
    written.push(health);
  });
  watch.heard('gone');
  await new Promise(setImmediate);
  isAway = false;
  watch.heard('ok');
  await waitFor(() => written.length === 1);
  expect(written).toEqual(['ok']);
  watch.stop();
});
