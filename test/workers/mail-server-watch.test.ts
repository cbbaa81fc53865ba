import { expect, test } from 'vitest';
import { MailServerState } from '../../src/dispatch/mail-server-state.ts';
import { MailServerWatch } from '../../workers/mail-server-watch.ts';
import { startBluntMailServer } from '../support/blunt-mail-server.ts';
import { startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

test('what was heard last is what is written last, however long a write takes', async () => {
  const written: string[] = [];
  const ends: (() => void)[] = [];
  const mailServer = new MailServerState('well');
  const watch = new MailServerWatch(undefined, mailServer, async (health) => {
    await new Promise<void>((resolve) => ends.push(resolve));
    written.push(health);
  });
  mailServer.unreachable('gone');
  mailServer.unreachable('still gone');
  mailServer.connected();
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
  const mailServer = new MailServerState('unknown');
  const watch = new MailServerWatch(receiver.url, mailServer, async (health) => void written.push(health));
  expect(written).toEqual([]);
  watch.start();
  await waitFor(() => written.length > 0);
  expect(written[0]).not.toBe('ok');
  watch.stop();
  mailServer.connected();
  expect(written).toHaveLength(1);
});

test('a write that failed is tried again with the next word', async () => {
  let isAway = true;
  const written: string[] = [];
  const mailServer = new MailServerState('well');
  const watch = new MailServerWatch(undefined, mailServer, async (health) => {
    if (isAway) throw new Error('the database is away');
    written.push(health);
  });
  mailServer.unreachable('gone');
  await new Promise(setImmediate);
  isAway = false;
  mailServer.connected();
  await waitFor(() => written.length === 1);
  expect(written).toEqual(['ok']);
  watch.stop();
});

test('a mail server that does not greet is told of before it is given up', async () => {
  const server = await startBluntMailServer({
    at: (stage) => (stage === 'greeting' ? 'nothing' : undefined),
  });
  const written: string[] = [];
  const mailServer = new MailServerState('unknown');
  const watch = new MailServerWatch(server.url, mailServer, async (health) => void written.push(health));
  watch.start();
  await waitFor(() => written.length > 0, { describe: 'operators to be told' });
  expect(written).toEqual(['The mail server has not greeted yet.']);
  expect(mailServer.slots(10)).toBe(0);
  watch.stop();
  await server.close();
});

test('a mail server that came back is well without any batch having tried it', async () => {
  const away = await startSmtpReceiver();
  await away.close();
  const mailServer = new MailServerState('unknown');
  const watch = new MailServerWatch(away.url, mailServer, async () => undefined);
  watch.start();
  await waitFor(() => mailServer.condition === 'ill');
  const back = await startSmtpReceiver({ port: away.port });
  await waitFor(() => mailServer.condition === 'well', { describe: 'it to be looked at again' });
  watch.stop();
  await back.close();
});
