import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import type { SMTPServerOptions } from 'smtp-server';
import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../src/smtp/mail-session.ts';
import { SmtpSession } from '../../src/smtp/session.ts';
import { takeOver } from '../../src/smtp/take-over.ts';
import { startBluntMailServer } from '../support/blunt-mail-server.ts';
import { useClosers } from '../support/closers.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const closers = useClosers();

const messages = ['ada', 'bob', 'cid'].map(
  (name): OutgoingMessage => ({
    envelope: { from: 'news@example.com', to: `${name}@example.org` },
    raw: Buffer.from(`Subject: Hello\r\n\r\n.Hello ${name}\r\n`),
    encoding: '7bit',
    isCanonical: true,
  }),
);

const onAuth: NonNullable<SMTPServerOptions['onAuth']> = ({ username, password }, _session, callback) => {
  if (username === 'user' && password === 'secret') callback(null, { user: username });
  else callback(Object.assign(new Error('5.7.8 wrong password'), { responseCode: 535 }));
};

async function receiverWith(server: SMTPServerOptions): Promise<SmtpReceiver> {
  const receiver = await startSmtpReceiver({ server: { onAuth, authOptional: false, ...server } });
  closers.push(() => receiver.close());
  return receiver;
}

const tls = '?tls.rejectUnauthorized=false';
const ways = [
  { name: 'STARTTLS', server: { disabledCommands: [] }, scheme: 'smtp', query: `${tls}&requireTLS=true` },
  { name: 'TLS from the first byte', server: { secure: true }, scheme: 'smtps', query: tls },
  { name: 'no TLS', server: { allowInsecureAuth: true }, scheme: 'smtp', query: '' },
];

describe('a connection that nodemailer has made', () => {
  it.each(ways)('carries messages after $name and a login', async ({ server, scheme, query }) => {
    let closed = 0;
    const receiver = await receiverWith({ ...server, onClose: () => void closed++ });
    const session = await SmtpSession.connect(`${scheme}://user:secret@127.0.0.1:${receiver.port}${query}`);
    closers.push(() => session.close());
    for (const [index, message] of messages.entries()) {
      const result = await session.send(message, messages[index + 1]);
      expect(result).toMatchObject({ kind: 'accepted' });
    }
    expect(receiver.messages.map(({ to, raw }) => [to[0], String(raw)])).toEqual(
      messages.map(({ envelope, raw }) => [envelope.to, String(raw)]),
    );
    session.close();
    await waitFor(() => closed === 1, { describe: 'QUIT to be answered' });
  });

  it.each(ways)('is none where $name goes well and the login fails', async ({ server, scheme, query }) => {
    const receiver = await receiverWith(server);
    const url = `${scheme}://user:wrong@127.0.0.1:${receiver.port}${query}`;
    await expect(SmtpSession.connect(url)).rejects.toMatchObject({
      code: 'MTA_UNREACHABLE',
      message: 'The mail server gives no connection: Invalid login: 535 5.7.8 wrong password',
    });
  });

  it('is known to be closing where the server said so together with its answer to the login', async () => {
    const server = await startBluntMailServer({
      at: (stage) =>
        stage === 'AUTH' ? { says: '235 2.7.0 welcome\r\n421-4.3.2 not\r\n421 4.3.2 for long' } : undefined,
    });
    closers.push(() => server.close());
    const session = await SmtpSession.connect(server.url.replace('//', '//user:secret@'));
    expect(session.isOpen).toBe(false);
    expect(await session.send(messages[0] as OutgoingMessage)).toEqual({
      kind: 'connection-lost',
      reply: '421-4.3.2 not 421 4.3.2 for long',
      handedOver: false,
    });
  });
});

describe('taking over', () => {
  async function connection(): Promise<SMTPConnection> {
    const server = await startBluntMailServer({ at: () => undefined });
    closers.push(() => server.close());
    const made = new SMTPConnection({ host: '127.0.0.1', port: Number(new URL(server.url).port) });
    closers.push(() => made.close());
    await new Promise<void>((resolve, reject) => {
      made.once('error', reject);
      made.connect((error) => (error ? reject(error) : resolve()));
    });
    return made;
  }

  it('leaves nodemailer neither an ear nor a timer, and Node what is its own', async () => {
    const made = await connection();
    const heard: unknown[] = [];
    made.removeAllListeners('error').on('error', (error) => heard.push(error));
    made.on('end', () => heard.push('end'));
    const { socket, unread } = takeOver(made);
    expect(unread).toHaveLength(0);
    for (const event of ['data', 'error', 'timeout']) expect(socket.listenerCount(event), event).toBe(0);
    expect((socket as Socket).timeout).toBeFalsy();
    socket.resume();
    // Unasked for, and more than nodemailer takes for a reply: it would complain of both.
    socket.write('RSET\r\nwhat?\r\nQUIT\r\n');
    await once(socket, 'close');
    expect(heard).toEqual([]);
  });

  it.each(['_socket', '_onSocketData', '_onSocketEnd', '_onSocketError', '_responseQueue', '_remainder'])(
    'says so where nodemailer has no %s any more',
    async (name) => {
      const made = await connection();
      const socket = made._socket;
      closers.push(() => {
        if (socket) socket.destroy();
      });
      // It has something left to do after its last callback.
      await turn();
      Object.assign(made, { [name]: undefined });
      expect(() => takeOver(made)).toThrow(`nodemailer's SMTPConnection has changed (${name})`);
    },
  );
});
