import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Random } from '../support/random.ts';
import { waitFor } from '../support/wait-for.ts';
import { MailReceiver, type MailTrouble } from './mail-receiver.ts';

/** Long, compared with what a write takes to arrive. Milliseconds. */
const waitMs = 300;
const envelopeTo = (name: string) =>
  `MAIL FROM:<news@example.com>\r\nRCPT TO:<${name}@example.com>\r\nDATA\r\n`;
const contentOf = (name: string) => `Message-ID: <${name}@x>\r\n\r\nHello\r\n.\r\n`;

let receiver: MailReceiver;
let client: Socket;
let heard: string;

beforeEach(async () => {
  receiver = await MailReceiver.start(new Random(0));
  client = connect(receiver.port, '127.0.0.1');
  heard = '';
  client.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  await once(client, 'connect');
  await said('220 ');
});

afterEach(async () => {
  client.destroy();
  await receiver.stop();
});

async function said(reply: string): Promise<void> {
  await waitFor(async () => heard.includes(reply), { describe: reply });
  heard = '';
}

test('a message whose envelope was said before a silence was decided then, though its content comes after it', async () => {
  const silence: MailTrouble = { kind: 'silent' };
  await receiver.begin(silence);
  const before = Date.now();
  client.write(envelopeTo('ann'));
  await sleep(waitMs);
  await receiver.end(silence);
  await said('354 ');
  client.write(contentOf('ann'));
  await said('250 2.0.0 fine');
  expect(receiver.arrivals[0]?.decidedAt).toBeLessThan(before + waitMs);
});

test('a message whose sender was frozen behind its envelope was decided with the envelope', async () => {
  client.write(envelopeTo('ann'));
  await said('354 ');
  const before = Date.now();
  await sleep(waitMs);
  client.write(contentOf('ann'));
  await said('250 2.0.0 fine');
  expect(receiver.arrivals[0]?.decidedAt).toBeLessThanOrEqual(before);
});

test('a message that was announced with the one before is decided with its content', async () => {
  client.write(envelopeTo('ann'));
  await said('354 ');
  client.write(contentOf('ann') + envelopeTo('bob'));
  await said('354 ');
  const before = Date.now();
  await sleep(waitMs);
  client.write(contentOf('bob'));
  await said('250 2.0.0 fine');
  expect(receiver.arrivals.map(({ to }) => to)).toEqual(['ann@example.com', 'bob@example.com']);
  expect(receiver.arrivals[1]?.decidedAt).toBeGreaterThan(before);
});
