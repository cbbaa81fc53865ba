import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNotification } from '../../src/feedback/reading/read-notification.ts';
import { MailStore } from '../../src/local/mail-catcher/mail-store.ts';
import type { ReturnsOptions } from '../../src/local/mail-catcher/send-back.ts';
import { type CatcherWeb, startCatcherWeb } from '../../src/local/mail-catcher/web.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';

const messageId = '<autumn.7.0123456789abcdef01234567@example.org>';
const raw = `From: news@example.org\r\nMessage-ID: ${messageId}\r\nSubject: Hello\r\n\r\nHello\r\n`;
const bounce = 'b-1z-4kq-5f0c@bounces.localhost';

let dir: string;
let store: MailStore;
let receiver: SmtpReceiver;
let web: CatcherWeb;
let options: ReturnsOptions;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exm-back-'));
  store = await MailStore.open({ dir });
  receiver = await startSmtpReceiver();
  options = { host: '127.0.0.1', port: Number(new URL(receiver.url).port), domain: 'bounces.localhost' };
  web = await startCatcherWeb({ host: '127.0.0.1', port: 0, store, returns: options });
});
afterEach(async () => {
  await Promise.all([web.close(), receiver.close()]);
  rmSync(dir, { recursive: true, force: true });
});

const caught = async (from = bounce) =>
  (
    await store.add({
      content: Readable.from([Buffer.from(raw)]),
      envelope: () => ({ from, to: ['ann@example.com'] }),
    })
  )?.id;
const sendBack = async (id: number | undefined, as: string, headers: Record<string, string> = {}) =>
  await fetch(`${web.url}/messages/${id}/return`, {
    method: 'POST',
    body: new URLSearchParams({ as }),
    headers,
    redirect: 'manual',
  });

describe('a message that the mail catcher sends back', () => {
  it.each([
    ['no-such-user', { kind: 'bounce', class: 'hard', status: '5.1.1', recipient: 'ann@example.com' }],
    ['mailbox-full', { kind: 'bounce', class: 'soft', status: '5.2.2', recipient: 'ann@example.com' }],
    ['complaint', { kind: 'complaint' }],
  ])('as %s is understood, and comes to the sender of its envelope from nobody', async (as, what) => {
    const id = await caught();
    const page = await (await fetch(`${web.url}/messages/${id}`)).text();
    expect(page).toContain(`name="as" value="${as}"`);
    const answer = await sendBack(id, as);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/messages/${id}?returned=${as}`]);
    expect(await (await fetch(`${web.url}/messages/${id}?returned=${as}`)).text()).toContain('Sent back: ');
    expect(receiver.messages).toMatchObject([{ from: '', to: [bounce] }]);
    const read = await readNotification(receiver.messages[0]?.raw ?? Buffer.alloc(0));
    expect(read).toMatchObject([{ ...what, messageId }]);
  });

  it('is none that has no return path of ours, and nobody else may ask for it', async () => {
    const foreign = await caught('news@example.org');
    expect(await (await fetch(`${web.url}/messages/${foreign}`)).text()).not.toContain('name="as"');
    expect((await sendBack(foreign, 'complaint')).status).toBe(404);
    const id = await caught();
    expect((await sendBack(id, 'complaint', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await sendBack(id, 'nonsense')).status).toBe(400);
    expect((await sendBack(99, 'complaint')).status).toBe(404);
    expect(receiver.messages).toEqual([]);
  });

  it('says so where nobody takes it', async () => {
    const id = await caught();
    await receiver.close();
    const answer = await sendBack(id, 'complaint');
    expect([answer.status, await answer.json()]).toEqual([
      502,
      { error: expect.stringContaining('It was not taken') },
    ]);
    receiver = await startSmtpReceiver();
  });
});
