import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MailStore } from '../../src/local/mail-catcher/mail-store.ts';
import { type CatcherSmtp, startCatcherSmtp } from '../../src/local/mail-catcher/smtp.ts';
import { type CatcherWeb, startCatcherWeb } from '../../src/local/mail-catcher/web.ts';
import { createLogger } from '../../src/logging.ts';
import { runExm } from '../support/installation.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'exm-catcher-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function add(store: MailStore, to: string, subject = 'Hello', body = 'text') {
  const content = Readable.from([Buffer.from(`Subject: ${subject}\r\nTo: ${to}\r\n\r\n${body}\r\n`)]);
  return store.add({ content, envelope: () => ({ from: 'news@example.com', to: [to] }) });
}

describe('the message store', () => {
  it('finds after a restart what it kept before, byte for byte', async () => {
    const store = await MailStore.open({ dir });
    await add(store, 'one@example.com', 'First');
    await add(store, 'two@example.com', 'Second');
    const again = await MailStore.open({ dir });
    expect(again.list(10).map(({ id, to, subject }) => [id, to[0], subject])).toEqual([
      [2, 'two@example.com', 'Second'],
      [1, 'one@example.com', 'First'],
    ]);
    expect(String(await again.read(1))).toBe('Subject: First\r\nTo: one@example.com\r\n\r\ntext\r\n');
    expect((await add(again, 'three@example.com'))?.id).toBe(3);
  });

  it('leaves out what was being written when the process was killed', async () => {
    const store = await MailStore.open({ dir });
    await add(store, 'one@example.com');
    const [segment = ''] = readdirSync(dir);
    writeFileSync(join(dir, segment, '2.eml'), 'half a mess');
    writeFileSync(join(dir, segment, 'index.jsonl'), '{"id":3,"at":17', { flag: 'a' });
    const again = await MailStore.open({ dir });
    expect(again.list(10).map((mail) => mail.id)).toEqual([1]);
    expect(await again.read(2)).toBeUndefined();
    expect((await add(again, 'two@example.com'))?.id).toBe(3);
  });

  it('keeps the newest messages and removes older ones by the thousand', async () => {
    const store = await MailStore.open({ dir, keep: 500 });
    for (let part = 0; part < 25; part += 1) {
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => add(store, `${part}-${index}@example.com`)),
      );
    }
    await expect.poll(() => readdirSync(dir), { timeout: 60_000 }).toEqual(['0000001', '0000002']);
    expect(store.newestId).toBe(2_500);
    expect(store.count).toBeLessThanOrEqual(1_501);
    expect(store.find(2_500 - 499)).toBeDefined();
    expect((await MailStore.open({ dir, keep: 500 })).count).toBeGreaterThanOrEqual(500);
  });

  it('removes all on request, also for the next start', async () => {
    const store = await MailStore.open({ dir });
    await add(store, 'one@example.com');
    await store.clear();
    await add(store, 'two@example.com');
    const again = await MailStore.open({ dir });
    for (const opened of [store, again]) {
      expect(opened.list(10).map((mail) => mail.to[0])).toEqual(['two@example.com']);
      expect(await opened.read(1)).toBeUndefined();
    }
  });

  it('keeps nothing of a message whose connection breaks', async () => {
    const store = await MailStore.open({ dir });
    const content = new Readable({ read() {} });
    content.push('Subject: half');
    const adding = store.add({ content, envelope: () => ({ from: '', to: [] }) });
    content.destroy(new Error('connection lost'));
    await expect(adding).rejects.toThrow('connection lost');
    expect(store.count).toBe(0);
  });
});

describe('the mail catcher', () => {
  let store: MailStore;
  let smtp: CatcherSmtp;
  let web: CatcherWeb;
  beforeEach(async () => {
    store = await MailStore.open({ dir });
    smtp = await startCatcherSmtp({ host: '127.0.0.1', port: 0, store, log: createLogger('test') });
    web = await startCatcherWeb({ host: '127.0.0.1', port: 0, store });
  });
  afterEach(async () => {
    await Promise.all([smtp.close(), web.close()]);
  });

  const send = async (mail: SendMailOptions) => {
    const transport = createTransport(`smtp://anyone:anything@127.0.0.1:${smtp.port}`);
    await transport.sendMail({ from: 'Zoë <news@example.com>', text: 'plain', ...mail });
    transport.close();
  };
  const get = async (path: string) => {
    const response = await fetch(`${web.url}${path}`);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  it('takes mail with any login and shows it by address, decoded', async () => {
    await send({ to: 'Ana@Example.com', subject: 'Größe' });
    await send({ to: 'bob@example.com', subject: 'Other' });
    const { text } = await get('/api/messages?to=ana@example');
    expect(JSON.parse(text)).toMatchObject({
      count: 1,
      messages: [{ id: 1, to: ['Ana@example.com'], from: 'news@example.com', subject: 'Größe' }],
    });
    const one = JSON.parse((await get('/api/messages/1')).text);
    expect(one.text.trim()).toBe('plain');
    expect(one.headers).toContainEqual({ name: 'From', value: 'Zoë <news@example.com>' });
    expect((await get('/?q=gr%C3%B6%C3%9Fe')).text).toContain('Ana@example.com');
    expect((await get('/?q=nobody')).text).toContain('Nothing matches');
  });

  it('escapes what a message says about itself', async () => {
    await send({
      to: 'a@example.com',
      subject: '<script>alert(1)</script>',
      text: '</pre><script>2</script>',
    });
    for (const path of [
      '/',
      '/?q=%3Cscript%3E',
      '/messages/1',
      '/messages/1?view=source',
      '/messages/1?view=headers',
    ]) {
      const { status, text } = await get(path);
      expect(status).toBe(200);
      expect(text.replaceAll('<script src="/app.js" defer></script>', '')).not.toContain('<script');
    }
  });

  it('shows HTML only in a sandbox that runs no script', async () => {
    await send({
      to: 'a@example.com',
      html: '<html><head></head><body><img src="cid:logo@x"><script>1</script></body></html>',
      attachments: [{ filename: 'logo.png', cid: 'logo@x', content: Buffer.from('png') }],
    });
    const { headers, text } = await get('/messages/1/html');
    expect(headers.get('content-security-policy')).toContain(
      "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'",
    );
    expect(headers.get('content-security-policy')).not.toContain('script');
    expect(text).toContain(`<img src="data:image/png;base64,${Buffer.from('png').toString('base64')}">`);
    expect(text).toContain('<head><base target="_blank">');
    expect((await get('/messages/1')).text).toContain(
      'sandbox="allow-popups allow-popups-to-escape-sandbox"',
    );
  });

  it('hands attachments and sources out as files, never as pages', async () => {
    await send({
      to: 'a@example.com',
      attachments: [{ filename: 'x".html', content: '<script>1</script>' }],
    });
    const part = await get('/messages/1/parts/1');
    expect(part.headers.get('content-type')).toBe('application/octet-stream');
    expect(part.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''x%22.html");
    const raw = await get('/api/messages/1/raw');
    expect(raw.headers.get('content-disposition')).toContain('attachment');
    expect(Buffer.from(raw.text)).toEqual(await store.read(1));
  });

  it('answers nothing under a foreign host name', async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(Number(new URL(web.url).port), '127.0.0.1', () => {
        socket.write('GET /api/messages HTTP/1.1\r\nHost: attacker.example:80\r\nConnection: close\r\n\r\n');
      });
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk;
      });
      socket.on('close', () => resolve(received));
    });
    expect(answer).toMatch(/^HTTP\/1.1 403/);
  });

  it('pages through the list and refuses wrong parameters', async () => {
    for (let index = 0; index < 60; index += 1) await add(store, `${index}@example.com`);
    expect((await get('/')).text).toContain('href="/?before=11"');
    expect((await get('/?before=11')).text.match(/<li>/g)).toHaveLength(10);
    expect(JSON.parse((await get('/api/messages?limit=5&before=11')).text).messages[0].id).toBe(10);
    for (const path of [
      '/api/messages?limit=0',
      '/api/messages?limit=x',
      '/messages/0',
      '/messages/1?view=x',
    ]) {
      expect((await get(path)).status).toBe(400);
    }
    for (const path of ['/messages/999', '/api/messages/999/raw', '/messages/1/parts/7', '/nothing']) {
      expect((await get(path)).status).toBe(404);
    }
  });

  it('removes everything by DELETE', async () => {
    await add(store, 'a@example.com');
    expect((await fetch(`${web.url}/api/messages`, { method: 'DELETE' })).status).toBe(204);
    expect(JSON.parse((await get('/api/count')).text)).toEqual({ count: 0, newest: 0 });
  });

  it('refuses a message that is larger than it says it takes', async () => {
    await expect(send({ to: 'a@example.com', text: 'x'.repeat(26_000_000) })).rejects.toThrow('552');
    expect(store.count).toBe(0);
  });

  it('takes the next envelope in the same write as a message, and a message of several hundred kilobytes whole', async () => {
    const body = `Subject: long\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(7_000)}`;
    const replies = await new Promise<string>((resolve, reject) => {
      const socket = connect(smtp.port, '127.0.0.1');
      let received = '';
      let stage = 0;
      socket.on('error', reject);
      socket.on('close', () => resolve(received));
      socket.on('data', (chunk) => {
        received += chunk;
        if (stage === 0 && received.includes('220 ')) {
          stage = 1;
          socket.write('EHLO test\r\n');
        } else if (stage === 1 && /^250 /m.test(received)) {
          stage = 2;
          socket.write('MAIL FROM:<a@x.com>\r\nRCPT TO:<b@x.com>\r\nDATA\r\n');
        } else if (stage === 2 && received.includes('354 ')) {
          stage = 3;
          socket.write(`${body}.\r\nMAIL FROM:<a@x.com>\r\nRCPT TO:<c@x.com>\r\nDATA\r\n`);
        } else if (stage === 3 && received.match(/^354 /gm)?.length === 2) {
          stage = 4;
          socket.write('Subject: short\r\n\r\nok\r\n.\r\nQUIT\r\n');
        }
      });
    });
    expect(replies.match(/^250 .*Caught/gm)).toHaveLength(2);
    expect(store.list(2).map((mail) => mail.to[0])).toEqual(['c@x.com', 'b@x.com']);
    expect((await store.read(1))?.length).toBe(body.length);
  });
});

describe('exm mail-catcher', () => {
  it('says which address it cannot have, or that its folder cannot be made', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const { PATH } = process.env;
    const run = async (...args: string[]) =>
      await runExm(['mail-catcher', '--data-dir', dir, '--json', ...args], { env: { PATH }, cwd: dir });
    for (const [flag, other] of [
      ['--smtp', '--listen'],
      ['--listen', '--smtp'],
    ] as const) {
      const { code, json } = await run(flag, address, other, '127.0.0.1:0');
      expect(code).toBe(2);
      expect(json().error).toMatchObject({ code: 'LISTEN_FAILED', field: flag, value: address });
    }
    taken.close();
    writeFileSync(join(dir, 'file'), '');
    const { code, json } = await run('--data-dir', join(dir, 'file'));
    expect(code).toBe(2);
    expect(json().error).toMatchObject({ code: 'DATA_DIR' });
  });
});
