import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import { type NotifyOptions, notifyByMail, notifyByWebhook } from '../../src/dispatch/notify.ts';
import { FailedError, InputError, UnavailableError } from '../../src/domain/errors.ts';
import { useClosers } from '../support/closers.ts';

const internalApiKey = Buffer.alloc(32, 7);
const options: NotifyOptions = {
  notify: {},
  smtpUrl: undefined,
  from: { name: 'News', address: 'news@example.com' },
  internalApiKey,
  result: {
    campaignId: 'autumn-7k3f',
    name: 'Autumn',
    state: 'Sent',
    totals: { queued: 1_200, sent: 1_190, failed: 4, skipped: 6, cancelled: 0, inDoubt: 0, remaining: 0 },
    excluded: { 'global-opt-out': 12, 'do-not-market': 0 },
  },
};

const closers = useClosers();

interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly method: string | undefined;
  readonly body: string;
}

async function webhookServer(answer: (request: Received, response: ServerResponse) => void) {
  const received: Received[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const one = {
      path: request.url,
      headers: request.headers,
      method: request.method,
      body: Buffer.concat(chunks).toString(),
    };
    received.push(one);
    answer(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

async function mailServer(reject?: { atData: number }) {
  const mails: Awaited<ReturnType<PostalMime['parse']>>[] = [];
  const recipients: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onRcptTo(address, _session, done) {
      recipients.push(address.address);
      done();
    },
    onData(stream: SMTPServerDataStream, _session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        if (reject) return done(Object.assign(new Error('no'), { responseCode: reject.atData }));
        mails.push(await PostalMime.parse(Buffer.concat(chunks)));
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return { url: `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`, mails, recipients };
}

/** An address of this machine on which nothing listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

describe('the notification by webhook', () => {
  it('is one signed POST of the numbers', async () => {
    const { url, received } = await webhookServer((_, response) => response.writeHead(204).end());
    await notifyByWebhook({ ...options, notify: { webhook: `${url}/hook?team=mail` } });

    expect(received).toHaveLength(1);
    const [request] = received;
    expect(request?.method).toBe('POST');
    expect(request?.path).toBe('/hook?team=mail');
    expect(request?.headers['content-type']).toBe('application/json');
    const signature = createHmac('sha256', internalApiKey)
      .update(request?.body ?? '')
      .digest('hex');
    expect(request?.headers['x-exm-signature']).toBe(`sha256=${signature}`);
    expect(JSON.parse(request?.body ?? '')).toEqual({ type: 'DispatchFinished', ...options.result });
  });

  it('carries nothing but the numbers, whatever else the caller has in its hands', async () => {
    const { url, received } = await webhookServer((_, response) => response.end());
    const result = { ...options.result, recipients: ['ann@example.com'] };
    await notifyByWebhook({ ...options, result, notify: { webhook: url } });
    expect(received[0]?.body).not.toContain('@');
  });

  it('follows a redirect with the same request', async () => {
    const { url, received } = await webhookServer(({ path }, response) =>
      path === '/old' ? response.writeHead(308, { location: '/new' }).end() : response.end('thank you'),
    );
    await notifyByWebhook({ ...options, notify: { webhook: `${url}/old` } });
    expect(received.map(({ path, method }) => `${method} ${path}`)).toEqual(['POST /old', 'POST /new']);
    expect(received[1]?.body).toBe(received[0]?.body);
  });

  it('gives up on a redirect that leads in a circle', async () => {
    const { url, received } = await webhookServer((_, response) =>
      response.writeHead(302, { location: '/again' }).end(),
    );
    await expect(notifyByWebhook({ ...options, notify: { webhook: url } })).rejects.toMatchObject({
      code: 'NOTIFY_REFUSED',
    });
    expect(received).toHaveLength(4);
  });

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/x', 'not a URL', 'http://user:secret@127.0.0.1:1/'])(
    'is never sent to %s',
    async (webhook) => {
      const sending = notifyByWebhook({ ...options, notify: { webhook } });
      await expect(sending).rejects.toBeInstanceOf(FailedError);
      await expect(sending).rejects.not.toThrow(/secret/);
    },
  );

  it('is not led to another protocol by a redirect', async () => {
    const { url } = await webhookServer((_, response) =>
      response.writeHead(307, { location: 'file:///etc/passwd' }).end(),
    );
    await expect(notifyByWebhook({ ...options, notify: { webhook: url } })).rejects.toBeInstanceOf(
      FailedError,
    );
  });

  it.each([500, 503, 408, 425, 429])('may be tried again after %i', async (status) => {
    const { url } = await webhookServer((_, response) => response.writeHead(status).end());
    const error = await notifyByWebhook({ ...options, notify: { webhook: `${url}/secret-path` } }).catch(
      (e) => e,
    );
    expect(error).toBeInstanceOf(UnavailableError);
    expect(JSON.stringify(error)).not.toContain('secret-path');
  });

  it.each([400, 401, 404, 303])('is refused for good by %i', async (status) => {
    const { url } = await webhookServer((_, response) => response.writeHead(status).end());
    await expect(notifyByWebhook({ ...options, notify: { webhook: url } })).rejects.toBeInstanceOf(
      FailedError,
    );
  });

  it('and the one by mail leave alone a campaign that names nobody', async () => {
    await expect(notifyByWebhook(options)).resolves.toBeUndefined();
    await expect(notifyByMail(options)).resolves.toBeUndefined();
  });

  it('may be tried again where nothing answers', async () => {
    const webhook = `http://127.0.0.1:${await closedPort()}/`;
    await expect(notifyByWebhook({ ...options, notify: { webhook } })).rejects.toMatchObject({
      code: 'NOTIFY_UNAVAILABLE',
      value: expect.stringContaining('ECONNREFUSED'),
    });
  });
});

describe('the notification by mail', () => {
  it('says in plain words how the books stand', async () => {
    const { url, mails, recipients } = await mailServer();
    await notifyByMail({ ...options, smtpUrl: url, notify: { mail: 'team@example.com' } });

    expect(recipients).toEqual(['team@example.com']);
    const [mail] = mails;
    expect(mail?.from?.address).toBe('news@example.com');
    expect(mail?.subject).toBe('Autumn: sent to 1,190 of 1,200 recipients');
    expect(mail?.text).toContain('queued     1,200');
    expect(mail?.text).toContain('failed         4');
    expect(mail?.text).toContain('global-opt-out  12');
    expect(mail?.text).not.toContain('do-not-market');
    expect(mail?.html).toBeUndefined();
  });

  it('has the same Message-ID when it is repeated', async () => {
    const { url, mails } = await mailServer();
    const telling = { ...options, smtpUrl: url, notify: { mail: 'team@example.com' } };
    await notifyByMail(telling);
    await notifyByMail(telling);
    expect(mails.map((mail) => mail.messageId)).toEqual(Array(2).fill('<finished.autumn-7k3f@example.com>'));
  });

  it("does not let a campaign's name add a header", async () => {
    const { url, mails, recipients } = await mailServer();
    const result = { ...options.result, name: 'Autumn\r\nBcc: spy@example.com' };
    await notifyByMail({ ...options, result, smtpUrl: url, notify: { mail: 'team@example.com' } });
    expect(recipients).toEqual(['team@example.com']);
    expect(mails[0]?.bcc).toBeUndefined();
  });

  it('may be tried again after a 4xx, and not after a 5xx', async () => {
    const notify = { mail: 'team@example.com' };
    const later = await mailServer({ atData: 451 });
    await expect(notifyByMail({ ...options, notify, smtpUrl: later.url })).rejects.toBeInstanceOf(
      UnavailableError,
    );
    const never = await mailServer({ atData: 554 });
    await expect(notifyByMail({ ...options, notify, smtpUrl: never.url })).rejects.toBeInstanceOf(
      FailedError,
    );
  });

  it('needs a mail server', async () => {
    const notify = { mail: 'team@example.com' };
    await expect(notifyByMail({ ...options, notify })).rejects.toBeInstanceOf(InputError);
    await expect(
      notifyByMail({ ...options, notify, smtpUrl: `smtp://127.0.0.1:${await closedPort()}` }),
    ).rejects.toBeInstanceOf(UnavailableError);
  });
});
